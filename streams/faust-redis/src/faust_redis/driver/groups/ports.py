"""What a group member needs of the rest of the driver, as narrow protocols."""

from __future__ import annotations

from typing import Any, Protocol

from faust.types import TP

from faust_redis.log import Fence, TopicInfo


class RebalanceListener(Protocol):
    """The consumer: it gives partitions up and takes them over."""

    @property
    def should_stop(self) -> bool:
        """Whether the worker is to stop."""

    def assignment(self) -> set[TP]:
        """Return the present assignment."""

    def damaged(self) -> list[str]:
        """Return why partitions are held back, one text each."""

    async def assign(self, tps: set[TP]) -> None:
        """Note a new assignment, before its tables are restored."""

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish and commit what is in flight, then forget the partitions."""

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take partitions over: from here on they are read."""

    async def went_back(self) -> bool:
        """Return whether the broker was restored to an earlier state."""


class Generations(Protocol):
    """The committer's right to write."""

    async def begin_generation(self, fence: Fence) -> None:
        """Obtain the right to write."""

    async def end_generation(self, reason: str) -> None:
        """Give it up once the outcome of a write under way is known."""

    def give_up(self) -> None:
        """Give it up at once."""


class Topics(Protocol):
    """Topics and their partition counts."""

    async def ensure(self, name: str) -> TopicInfo:
        """Return a topic; create it when the app may."""

    def partition_count(self, topic: str) -> int | None:
        """Return the partition count of a known topic."""


class Restoring(Protocol):
    """Brings tables up to the log."""

    @property
    def restored(self) -> int:
        """Rows and records that were read the last time, or so far."""

    async def restore(self, tps: set[TP]) -> None:
        """Restore the tables of changelog partitions."""


class Standby(Protocol):
    """Follows the changelogs that this member stands by for."""

    taken: Any

    def take(self, assigned: set[TP]) -> None:
        """Choose the standbys that can be followed."""

    def follow(self) -> None:
        """Begin to follow them."""

    async def leave(self) -> None:
        """Stop following."""
