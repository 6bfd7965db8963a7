"""Define the protocols of a broker for the driver, independent of Redis. `faust_redis.log.Log` implements them.

docs/driver.md, "Broker protocol", states what each method guarantees and what a second implementation must provide.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Protocol

from faust_redis.log.groups import Heartbeat, MemberState
from faust_redis.log.records import (
    Appended,
    Fence,
    Fetched,
    StoredRecord,
    TopicInfo,
    TopicPartition,
    TopicSpec,
    WriteBatch,
    WriteId,
)
from faust_redis.log.shards import Shard


class TopicCatalogue(Protocol):
    """Topics by name."""

    async def topic(self, name: str, *, fresh: bool = False) -> TopicInfo:
        """Return a topic, from the cache unless `fresh`.

        Raises:
            UnknownTopicError: it has not been created.
        """

    def known_topic(self, name: str) -> TopicInfo | None:
        """Return a topic from the cache, without a call to the broker; None when it is not known."""

    async def create_topic(self, spec: TopicSpec) -> TopicInfo:
        """Create a topic, or return the one that exists.

        Raises:
            TopicMismatchError: it exists with another partition count or cleanup policy.
        """


class Offsets(Protocol):
    """Bounds of partitions and committed offsets."""

    async def end_offsets(self, topic: str) -> dict[int, int]:
        """Return the high watermark of each partition: the offset that the next record will get."""

    async def ends(self, topics: Iterable[str]) -> dict[str, dict[int, int]]:
        """Return the high watermarks of several topics, by one call to the broker."""

    async def beginning_offsets(self, topic: str) -> dict[int, int]:
        """Return the lowest offset in each partition; an empty partition returns its high watermark."""

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """Return the committed offsets of a group."""


class Reads(Protocol):
    """Records by offset."""

    async def fetch(
        self, offsets: Mapping[TopicPartition, int], *, count: int = 500, block_ms: int | None = None
    ) -> dict[TopicPartition, list[StoredRecord]]:
        """Return committed records of each partition from its offset on; wait up to `block_ms` if there are none."""

    async def fetch_each(
        self, offsets: Mapping[TopicPartition, int], *, count: int = 500, block_ms: int | None = None
    ) -> Fetched:
        """Fetch like `fetch`, but return the errors of damaged partitions beside the records of the others."""

    async def at(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, StoredRecord | None]:
        """Return the one record at an offset of each partition; None where there is none."""


class Snapshots(Protocol):
    """Compacted topics: the last value of each key."""

    def rows(self, tp: TopicPartition, count: int = 1_000) -> AsyncIterator[list[tuple[bytes, bytes]]]:
        """Iterate over the snapshot of a compacted partition, at least as new as the end offset before the call."""


class Commits(Protocol):
    """Atomic writes."""

    async def commit(
        self, batch: WriteBatch, *, fence: Fence | None = None, write_id: WriteId | None = None
    ) -> Appended:
        """Write records, rows and offsets together or not at all; recognise a retry by `write_id`.

        Raises:
            FencedError: the writer's generation or lease is over, or a precondition does not hold.
        """

    async def last_sequence(self, producer: str) -> int | None:
        """Return the number of a producer's last write; None when the broker does not have one."""


class ConsumerGroups(Protocol):
    """Consumer groups: members with leases, generations, a leader that assigns."""

    async def join(
        self, group: str, member: str, metadata: bytes, *, lease_ms: int, rebalance_ms: int, settle_ms: int
    ) -> MemberState:
        """Join a group, or its next generation."""

    async def sync(self, group: str, member: str, generation: int, assignments: Mapping[str, bytes]) -> MemberState:
        """Publish the assignments of a generation; ignored unless the member leads that generation."""

    async def heartbeat(self, group: str, member: str) -> MemberState:
        """Renew a member's lease once."""

    async def leave(self, group: str, member: str) -> MemberState:
        """Leave the group."""

    async def members(self, group: str, member: str) -> dict[str, bytes]:
        """Return the metadata of each member of the generation that is being assigned."""

    def start_heartbeat(
        self,
        group: str,
        member: str,
        *,
        interval_s: float,
        stuck_s: float,
        report: Callable[[MemberState], None],
    ) -> Heartbeat:
        """Keep renewing a member's lease, even while the event loop is blocked; report each answer on the loop."""

    async def set_status(self, group: str, member: str, status: str) -> None:
        """Publish a member's status (JSON)."""

    async def clear_status(self, group: str, member: str) -> None:
        """Remove a member's status."""


class Trims(Protocol):
    """Retention."""

    async def topics(self) -> list[str]:
        """Return the names of all topics."""

    async def topic(self, name: str, *, fresh: bool = False) -> TopicInfo:
        """Return a topic."""

    def partitions_of(self, info: TopicInfo) -> range:
        """Return the partitions of a topic that this broker holds."""

    async def trim(
        self, topic: str, partitions: Sequence[int], entries_max: int, *, wait_for_groups: bool = True
    ) -> int:
        """Remove records past the retention that no reader needs; return how many."""


class Broker(TopicCatalogue, Offsets, Reads, Snapshots, Commits, Trims, Protocol):
    """All broker operations that the driver uses."""

    @property
    def shard(self) -> Shard:
        """Return the shard of the namespace that this broker holds."""

    @property
    def groups(self) -> ConsumerGroups:
        """Return the consumer groups of the broker."""

    async def check(self) -> None:
        """Refuse a broker that cannot give the guarantees of the log.

        Raises:
            BrokerUnsuitableError: with what to change.
        """

    async def close(self) -> None:
        """Close all connections."""
