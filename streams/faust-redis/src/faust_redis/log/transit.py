"""Records on their way to another shard.

A commit writes to one shard. Its records for partitions of another shard become one record of a transit topic, in the
same write. A forwarder (`faust_redis.log.forwarding`) appends them to the other shard. The topic `<name>-transit-<r>`
holds what goes to shard r; its partition s is what shard s sends.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from types import MappingProxyType
from typing import Final, NamedTuple

import msgpack

from faust_redis.log.errors import TopicMismatchError
from faust_redis.log.partitioner import partition_for
from faust_redis.log.record_batches import Batch, batches_of, batches_of_columns, columns_of
from faust_redis.log.records import OFFSET_UNKNOWN, Appended, Columns, Record, TopicSpec, Writable, WriteBatch
from faust_redis.log.shards import Shard

TRANSIT_RETENTION_MS: Final = 86_400_000
"""How long forwarded records stay: so far back a shard may be restored, and gets again what was forwarded to it."""
COUNTED: Final = "counted"
"""The header of a transit record that says how many partitions each topic had."""
WRITER_BYTES: Final = 8
WRITER_LIFE_MS: Final = 86_400_000
"""How long after its beginning a writer is used for new writes."""
ENDLESS_MS: Final = 1 << 62


class Parcel(NamedTuple):
    """The records of one write for one other shard.

    Attributes:
        writer: Who wrote them; see `Writer`.
        number: Their number among the writer's; it ascends in a transit topic.
        records: The records, in the order of each partition.
        counted: How many partitions each of their topics had when these were chosen, as far as that is known.
    """

    writer: str
    number: int
    records: list[Record]
    counted: Mapping[str, int] = MappingProxyType({})

    def placed(self, counts: Mapping[str, int], shards: int) -> list[Record]:
        """Return the records in partitions of topics that have so many now.

        Where a topic has fewer than were counted, its shard was restored to a state before a resize, and a partition
        has the keys of its children again. Where it has more, a record is in the partition of its key; one that was
        sent to another partition than that of its key stays.

        Raises:
            TopicMismatchError: no resize leads from one number to the other.
        """
        other = {topic for topic, counted in self.counted.items() if counts.get(topic, counted) != counted}
        for topic in other:
            _check_resized(topic, self.counted[topic], counts[topic], shards)
        return [
            Record(one.topic, _place(one, self.counted[one.topic], counts[one.topic]), *one[2:])
            if one.topic in other
            else one
            for one in self.records
        ]


class Writer:
    """Numbers the parcels of writes that follow each other. No other writer, of any client, has its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._numbers = count(1)

    def next_number(self) -> int:
        """Return a number that this writer has not used."""
        return next(self._numbers)


class Divided(NamedTuple):
    """A write whose records are all on one shard, and which records of the original were left as they are."""

    batch: WriteBatch
    own: list[int]

    def appended(self, result: Appended, records: int) -> Appended:
        """Return the result of the original write, which had so many records."""
        offsets = [OFFSET_UNKNOWN] * records
        for position, offset in zip(self.own, result.offsets, strict=False):
            offsets[position] = offset
        return Appended(tuple(offsets), result.again, result.rows, result.counted)


class Transit:
    """Puts the records of a write that belong to other shards into transit topics.

    Args:
        shard: The shard that is written to.
        name: What the names of the transit topics begin with: for a member its group.
    """

    def __init__(self, shard: Shard, name: str) -> None:
        self.shard = shard
        self.name = name
        self._idle: list[Writer] = []

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """Lend a writer for one write.

        Two writes that overlap have different writers, for they may be written in any order. A write that failed may
        still be written later, so its writer is used no more.
        """
        latest_ms = self.now_ms() - WRITER_LIFE_MS
        self._idle = [each for each in self._idle if began_ms(each.name) > latest_ms]
        writer = self._idle.pop() if self._idle else Writer(self.new_name())
        yield writer
        self._idle.append(writer)

    def now_ms(self) -> int:
        """Return the wall clock's time."""
        return time.time_ns() // 1_000_000

    def new_name(self) -> str:
        """Return a name for a writer: when it began (`began_ms`), and what no other one has."""
        return f"{self.now_ms():x}-{secrets.token_hex(WRITER_BYTES)}"

    def topic(self, target: int) -> TopicSpec:
        """Return the declaration of the topic for one other shard."""
        return TopicSpec(transit_topic(self.name, target), self.shard.count, retention_ms=TRANSIT_RETENTION_MS)

    def targets(self, batch: WriteBatch) -> set[int]:
        """Return the other shards to which a write sends records."""
        return {self.shard.of(partition) for _, partition in self._sent(batch)}

    def topics(self, batch: WriteBatch) -> set[str]:
        """Return the topics of the records that a write sends to other shards."""
        return {topic for topic, _ in self._sent(batch)}

    def _sent(self, batch: WriteBatch) -> Iterator[tuple[str, int]]:
        """Return topic and partition of what a write sends to other shards."""
        sent = ((each.topic, each.partition or 0) for part in (batch.records, batch.columns) for each in part)
        return (place for place in sent if not self.shard.holds(place[1]))

    def divide(self, batch: WriteBatch, writer: Writer, counted: Mapping[str, int]) -> Divided:
        """Return a write that is all on this shard. Rows, offsets and checks stay as they are.

        Args:
            batch: The write.
            writer: Who numbers its parcels.
            counted: How many partitions the writer knows of each topic whose records are for other shards.
        """
        own = [position for position, one in enumerate(batch.records) if self.shard.holds(one.partition or 0)]
        parcels: dict[int, list[Batch]] = {}
        places: dict[int, list[tuple[str, int]]] = {}
        for topic, partition, batches in _foreign(batch, self.shard):
            target = self.shard.of(partition)
            for each in batches:
                parcels.setdefault(target, []).append(each)
                places.setdefault(target, []).append((topic, partition))
        records: list[Writable] = [batch.records[position] for position in own]
        number = writer.next_number()
        for target, batches in sorted(parcels.items()):
            value = _packed(writer.name, number, places[target], batches)
            headers = ((COUNTED, _header(counted)),) if counted else ()
            place = self.topic(target).name, self.shard.number
            records.append(Record(*place, None, value, batches[0].timestamps[0], headers))
        columns = [each for each in batch.columns if self.shard.holds(each.partition or 0)]
        return Divided(replace(batch, records=records, columns=columns, elsewhere=counted), own)


def began_ms(writer: str) -> int:
    """Return when a writer began, from its name; `ENDLESS_MS` when the name does not say it."""
    head, dash, _ = writer.partition("-")
    try:
        return int(head, 16) if dash else ENDLESS_MS
    except ValueError:
        return ENDLESS_MS


def transit_topic(name: str, target: int) -> str:
    """Return the name of the topic that holds what goes to a shard."""
    return f"{name}-transit-{target}"


def transit_group(name: str) -> str:
    """Return the group whose committed offsets say how far the transit topics are forwarded."""
    return f"{name}-transit"


def unpack(value: bytes, headers: Iterable[tuple[str, bytes]] = ()) -> Parcel:
    """Read the value and the headers of a record of a transit topic.

    Raises:
        ValueError: it is none.
    """
    try:
        writer, number, parts = msgpack.unpackb(value)
        counted: dict[str, int] = next((msgpack.unpackb(content) for name, content in headers if name == COUNTED), {})
        records = [
            Record(topic, partition, key, body, timestamp_ms, headers)
            for topic, partition, size, packed in parts
            for timestamp_ms, key, body, headers in zip(*columns_of(packed, size), strict=True)
        ]
    except (msgpack.exceptions.UnpackException, TypeError) as exc:
        raise ValueError(f"a record of a transit topic that cannot be read: {exc}") from exc
    return Parcel(writer, number, records, counted)


def _foreign(batch: WriteBatch, shard: Shard) -> list[tuple[str, int, list[Batch]]]:
    """Return the records for other shards in packed form, by topic and partition: single records, then columns."""
    records: dict[tuple[str, int], list[Writable]] = {}
    for record in batch.records:
        if not shard.holds(record.partition or 0):
            records.setdefault((record.topic, record.partition or 0), []).append(record)
    columns: dict[tuple[str, int], list[Columns]] = {}
    for each in batch.columns:
        if not shard.holds(each.partition or 0):
            columns.setdefault((each.topic, each.partition or 0), []).append(each)
    packed = [(*place, list(batches_of(some))) for place, some in records.items()]
    return packed + [(*place, list(batches_of_columns(some))) for place, some in columns.items()]


def _check_resized(topic: str, counted: int, count: int, shards: int) -> None:
    """Check that a resize may have led from one number of partitions to the other, which keeps keys on their shard."""
    fewer, more = sorted((counted, count))
    if more % fewer or fewer % shards:
        raise TopicMismatchError(
            f"topic {topic!r} has {count} partitions, and its records were sent to one of {counted}: "
            "all shards have to have the same number"
        )


def _place(record: Record, counted: int, count: int) -> int:
    """Return the partition of a record in a topic that has `count` now, and had `counted` when it was sent."""
    if counted > count:
        return record.partition % count
    by_key = record.key is not None and partition_for(record.key, counted) == record.partition
    return partition_for(record.key, count) if by_key else record.partition


def _header(counted: Mapping[str, int]) -> bytes:
    packed: bytes = msgpack.packb(dict(counted))
    return packed


def _packed(writer: str, number: int, places: Sequence[tuple[str, int]], batches: Sequence[Batch]) -> bytes:
    parts = [[*place, len(each.keys), each.pack()] for place, each in zip(places, batches, strict=True)]
    packed: bytes = msgpack.packb([writer, number, parts])
    return packed
