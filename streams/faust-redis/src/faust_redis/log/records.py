"""Records and topics as the log knows them. No Redis in here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol

from faust_redis.log.errors import DamagedPartitionError

Cleanup = Literal["delete", "compact", "compact,delete"]
View = Literal["", "rank"]


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """The declaration of a topic.

    Attributes:
        name: The topic's name.
        partitions: Partition count; never changes once created.
        cleanup: ``compact`` keeps a snapshot (last value of each key) beside the stream.
        view: ``rank`` also keeps sorted sets of the standings in its rows; see `faust_redis.log.rankings`.
        retention_ms: How long records are wanted; 0 for as long as the topic lives.
        archived: Whether trimming keeps every record that an archive does not hold; see `faust_redis.archive`.
    """

    name: str
    partitions: int
    cleanup: Cleanup = "delete"
    view: View = ""
    retention_ms: int = 0
    archived: bool = False

    @property
    def compacted(self) -> bool:
        """Return whether the log keeps a snapshot of the last value of each key."""
        return self.cleanup != "delete"


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic as created: its declaration and the incarnation id drawn when it was made.

    `moving` is true while a resize moves its rows to other partitions.
    """

    spec: TopicSpec
    incarnation: str
    moving: bool = False


Headers = tuple[tuple[str, bytes], ...]

REPLAY_FOR_HEADER = "faust-redis-replay-for"
"""Header of a replayed record: the consumer group that it is for. The drivers of other groups skip the record."""


class Record(NamedTuple):
    """A record to append. `key` and `value`: None (absent; a tombstone) is not ``b""``. `timestamp_ms`: event time.

    `writer` names the member and the assignment under which it wrote to a changelog. Empty elsewhere.
    """

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: Headers = ()
    writer: bytes = b""


class Writable(Protocol):
    """A record that the log can write: a `Record`, or another object with its fields and a chosen partition."""

    @property
    def topic(self) -> str:
        """Return the topic and partition of the record."""

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


class PackedBatch(bytes):
    """The packed records of one entry of a stream. `end`: the offset below which they end."""

    end: int

    @classmethod
    def of(cls, packed: bytes, end: int) -> PackedBatch:
        """Return the packed records of an entry."""
        batch = cls(packed)
        batch.end = end
        return batch


ARCHIVED: Final = PackedBatch.of(b"", -1)
"""Stands for the batch of a record that comes from an archive. The broker no longer holds it, so cannot compare it."""


class StoredRecord(NamedTuple):
    """A record read from the log, with its offset.

    `batch` is the packed batch that holds it; None in an own entry, `ARCHIVED` when an archive held it. `order` is its
    append number: it ascends over all topics of a partition number, and the records of a batch share it. 0 in a
    compacted topic.
    """

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    writer: bytes = b""
    batch: PackedBatch | None = None
    order: int = 0

    @property
    def evidence(self) -> bytes:
        """Return the bytes by which the broker recognises that it still holds this record."""
        return self.value or b"" if self.batch is None else self.batch


class Fetched(NamedTuple):
    """The result of a fetch from several partitions.

    Attributes:
        records: Records of each partition that has some.
        damaged: The error of each partition whose next entry cannot be read.
        is_full: Whether a partition probably has more records than were returned.
        cut: The partitions that may have had more records at the moment of the read. All partitions are read at the
            same moment, or all of them are in `cut`.
    """

    records: dict[TopicPartition, list[StoredRecord]]
    damaged: dict[TopicPartition, DamagedPartitionError]
    is_full: bool = False
    cut: frozenset[TopicPartition] = frozenset()


@dataclass(frozen=True, slots=True)
class Fence:
    """The fence of a group member: its right to write in one generation."""

    group: str
    member: str
    generation: int


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Identifies a write from the edge. The log applies it once, and refuses another body under the same name.

    Attributes:
        name: The key, unique within the namespace.
        digest: Digest of the body that is written under it.
        ttl_ms: How long the log remembers the key and its result.
    """

    name: str
    digest: str
    ttl_ms: int


@dataclass(frozen=True, slots=True)
class ProducerSequence:
    """Numbers the writes of one producer. The log applies each number once, and refuses a number below the last one.

    Attributes:
        producer: The producer's name, for example a member of a group.
        number: This write's number; a producer's numbers ascend.
        ttl_ms: How long the log remembers the last number and its result.
        after: The number of the producer's previous write. The log refuses the write when it holds another one: the
            broker was restored to an earlier state. None skips this check.
    """

    producer: str
    number: int
    ttl_ms: int
    after: int | None = None


WriteId = IdempotencyKey | ProducerSequence
"""Recognises a retry of the same write."""


@dataclass(frozen=True, slots=True)
class SourceOffsets:
    """The offsets that a copy of another log reaches with a write.

    Attributes:
        name: Which copy.
        steps: For each partition of the source, the offset that the copy must stand at and the one it gets to; 0 is
            that of a partition that was never copied.
        forwarded: Whether the records come from another shard of the same log.
    """

    name: str
    steps: dict[TopicPartition, tuple[int, int]]
    forwarded: bool = False


OFFSET_UNKNOWN: Final = -1
"""The offset of a record that is on its way to another shard, or whose place is not known."""


@dataclass(frozen=True, slots=True)
class Appended:
    """The result of a write.

    Attributes:
        offsets: The offset of each record, in the order written.
        again: The log recognised a retry and wrote nothing.
        rows: The offset of the last row of each `Rows`.
        counted: Of a retry by an idempotency key: how many partitions the topics had at its first write. Where they
            have more now, `offsets` belong to the partitions of that number.
    """

    offsets: tuple[int, ...]
    again: bool
    rows: tuple[int, ...] = ()
    counted: int | None = None


class Preconditions(NamedTuple):
    """The state of a partition that the broker must have when a member commits its offset.

    Attributes:
        committed: The offset that was committed last; only this member commits it.
        passed: SHA-1 in hexadecimal of the `evidence_of` the records from `since` on. It is no protection.
        since: The first of these records.
        entries: How many entries of the stream hold these records.
    """

    committed: int
    passed: str
    since: int = 0
    entries: int = 0


def evidence_of(evidence: Iterable[bytes]) -> tuple[str, int]:
    """Return SHA-1 in hexadecimal over the evidence of consecutive records, and how many entries hold them.

    The evidence of an entry comes after its length and a colon. Records of one batch share its evidence.
    """
    entries: list[bytes] = []
    end = None
    for each in evidence:
        if isinstance(each, PackedBatch):
            if each.end == end:
                continue
            end = each.end
        entries.append(b"%d:%b" % (len(each), each))
    return hashlib.sha1(b"".join(entries), usedforsecurity=False).hexdigest(), len(entries)


class Columns(Protocol):
    """Records of one partition, written together, as columns of equal length. They have no headers and no writer."""

    @property
    def topic(self) -> str:
        """Return the topic and partition of the records."""

    @property
    def partition(self) -> int | None:
        """Return the partition; None is refused."""

    @property
    def timestamps(self) -> Sequence[int]:
        """Return the event times in milliseconds."""

    @property
    def keys(self) -> Sequence[bytes | None]:
        """Return the keys."""

    @property
    def values(self) -> Sequence[bytes | None]:
        """Return the values; None is a tombstone."""


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
    """The content of one atomic write: records, rows, and the offsets that a group commits with them.

    A partition gets its records first, then its columns, then its rows, each in the order given.

    `preconditions` holds what must stand at the broker for them, or it was restored to an earlier state.
    `group` names the group when it has no members, and so no fence. `counted` is how many partitions the topics had
    when the partitions of the records were chosen; None for as many as the client knows. `elsewhere` says the same of
    the topics of records that are on their way to other shards. `resize` is the resize that the write belongs to
    (`faust_redis.resizing`).
    """

    records: Sequence[Writable] = field(default_factory=list)
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    preconditions: dict[TopicPartition, Preconditions] = field(default_factory=dict)
    group: str | None = None
    source_offsets: SourceOffsets | None = None
    rows: Sequence[Rows] = ()
    columns: Sequence[Columns] = ()
    counted: int | None = None
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    resize: str | None = None
