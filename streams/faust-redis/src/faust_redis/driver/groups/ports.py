"""Define narrow protocols for the parts of the driver that a group member uses."""

from __future__ import annotations

from typing import Any, Protocol

from faust.types import TP

from faust_redis.log import Fence, TopicInfo


class RebalanceListener(Protocol):
    """The consumer, which gives up and takes over partitions."""

    @property
    def should_stop(self) -> bool:
        """Return whether the worker is to stop."""

    def assignment(self) -> set[TP]:
        """Return the present assignment."""

    def damaged(self) -> list[str]:
        """Return why partitions are held back, one text each."""

    async def assign(self, tps: set[TP]) -> None:
        """Note a new assignment, before its tables are restored."""

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish and commit the events in flight, then forget the partitions."""

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take over partitions and start to read them."""

    async def went_back(self) -> bool:
        """Return whether the broker was restored to an earlier state."""


class Generations(Protocol):
    """The committer's fence, which permits its writes."""

    async def begin_generation(self, fence: Fence) -> None:
        """Take the fence of a new generation."""

    async def end_generation(self, reason: str) -> None:
        """Give up the fence once the outcome of a write in progress is known."""

    def give_up(self) -> None:
        """Give up the fence at once."""


class Topics(Protocol):
    """Topics and their partition counts."""

    async def present(self, name: str) -> TopicInfo:
        """Return a topic as the broker has it now; create it when the app may."""

    def partition_count(self, topic: str) -> int | None:
        """Return the partition count of a known topic."""


class Restoring(Protocol):
    """Restores tables from the log."""

    @property
    def restored(self) -> int:
        """Return how many rows and records the present or the last recovery has read."""

    @property
    def total(self) -> int | None:
        """Return how many rows and records it has to read in all; None while that is not known."""

    async def restore(self, tps: set[TP]) -> None:
        """Restore the tables of changelog partitions."""


class Standby(Protocol):
    """Follows the changelogs of this member's standby partitions."""

    followed: Any

    def take(self, assigned: set[TP]) -> None:
        """Choose the standbys that can be followed."""

    def follow(self) -> None:
        """Start to follow the changelogs."""

    async def leave(self) -> None:
        """Stop following the changelogs."""
