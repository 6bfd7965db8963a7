"""Records and topics as the log knows them. No Redis in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

Cleanup = Literal["delete", "compact", "compact,delete"]
View = Literal["", "rank"]


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic is declared to be.

    Attributes:
        name: The topic's name.
        partitions: Partition count; never changes once created.
        cleanup: ``compact`` keeps a snapshot (last value of each key) beside the stream.
        view: ``rank`` also keeps sorted sets: the record key is ``group|member``, its value the sort key.
        retention_ms: How long records are wanted; 0 for as long as the topic lives.
    """

    name: str
    partitions: int
    cleanup: Cleanup = "delete"
    view: View = ""
    retention_ms: int = 0

    @property
    def compacted(self) -> bool:
        """Whether the log keeps a snapshot of the last value of each key."""
        return self.cleanup != "delete"


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic as created: its declaration and the incarnation id drawn when it was made."""

    spec: TopicSpec
    incarnation: str


Headers = tuple[tuple[str, bytes], ...]


class Record(NamedTuple):
    """A record to append. `key` and `value`: None (absent; a tombstone) is not ``b""``. `timestamp_ms`: event time.

    `writer` names one member's hold on a partition; see `faust_redis.driver.stores.Checkpoint`. Empty if unused.
    """

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: Headers = ()
    writer: bytes = b""


class Writable(Protocol):
    """What can be written: a `Record`, or whatever has its fields. The partition must be chosen by then."""

    @property
    def topic(self) -> str:
        """Where it goes."""

    @property
    def partition(self) -> int | None:
        """None is refused."""

    @property
    def key(self) -> bytes | None:
        """Record key."""

    @property
    def value(self) -> bytes | None:
        """None is a tombstone."""

    @property
    def timestamp_ms(self) -> int:
        """Event time."""

    @property
    def headers(self) -> Headers:
        """Record headers."""

    @property
    def writer(self) -> bytes:
        """See `Record`."""


class StoredRecord(NamedTuple):
    """A record as read back: with its offset."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    writer: bytes = b""


@dataclass(frozen=True, slots=True)
class Fence:
    """The right of one group member to write, as of one generation."""

    group: str
    member: str
    generation: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """How a retry of the same write is recognised.

    Attributes:
        name: Who writes: a worker's identity, or an idempotency key.
        value: What is written: a sequence number, or a digest of the body.
        once: True refuses another `value` under this `name` (idempotency keys); False lets it follow (workers).
        ttl_ms: How long the result is remembered.
        after: The value of this writer's last write, which must stand, or the broker was restored to an earlier state;
            empty when that is not to be asked.
    """

    name: str
    value: str
    once: bool
    ttl_ms: int
    after: str = ""


@dataclass(frozen=True, slots=True)
class SourceOffsets:
    """How far a copy of another log comes with a write.

    Attributes:
        name: Which copy.
        steps: For each partition of the source, the offset that the copy must stand at and the one it gets to.
    """

    name: str
    steps: dict[TopicPartition, tuple[int, int]]


class Preconditions(NamedTuple):
    """What a member has seen of a partition whose offset it commits.

    Attributes:
        committed: The offset that was committed last; only this member commits it.
        passed: SHA-1 in hexadecimal of the value of the record just below the offset. It names, it protects nothing.
    """

    committed: int
    passed: str


class Rows(NamedTuple):
    """Rows of one partition of a compacted topic, written together.

    Attributes:
        items: Keys and values, each key once; None is a tombstone.
    """

    topic: str
    partition: int
    items: Sequence[tuple[bytes, bytes | None]]
    timestamp_ms: int
    writer: bytes = b""


@dataclass(slots=True)
class WriteBatch:
    """What one atomic write carries: records in order, rows after them, and the offsets a group commits with them.

    `preconditions` holds what must stand at the broker for them, or it was restored to an earlier state.
    `group` names the group when it has no members, and so no fence.
    """

    records: Sequence[Writable] = field(default_factory=list)
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    preconditions: dict[TopicPartition, Preconditions] = field(default_factory=dict)
    group: str | None = None
    source_offsets: SourceOffsets | None = None
    rows: Sequence[Rows] = ()
