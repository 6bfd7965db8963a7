"""Find the events behind a row: fold the domain's topics over empty tables and note which events changed the row."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from faust_redis.log import Log, StoredRecord, TopicPartition, TrimmedError
from faust_redis.log.records import REPLAY_FOR_HEADER
from faust_redis.resizing import finished

from agents.fold import Fold, Place
from agents.rulebook import Rulebook
from deploy.eras import Era, Tables, eras_of, refuse_moving
from streams.events import AnyEvent, UndecodableEventError, decode
from streams.lineage import Found, Progress, records
from streams.search_bounds import FETCH_RECORDS, Bounds
from streams.topology import Domain, Topology
from tables.reader import TableReader
from tables.resizing.moving import MisplacedError, NotReadyError

_CHAIN: Final = re.compile(rb'"correlationid":"([0-9a-f-]{36})"')


@dataclass(slots=True)
class Behind:
    """The events behind a row in one partition of an era.

    Attributes:
        partition: The partition.
        era: The era. One that has ended says which resize followed.
        moved_to: The partitions that had the row after that resize, of those whose rows came from this one.
        events: The events that changed the row, in the order of their processing.
        missing: Topics whose first records the log has removed, so that earlier events are unknown.
        differs: Whether the row that follows from the events differs from the table's row, or the rows that follow
            could not be divided as those of the log were.
        cut: Whether the fold stopped at a bound, so that later events are unknown.
    """

    partition: int
    era: Era
    moved_to: list[int] = field(default_factory=list)
    events: list[Found] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    differs: bool = False
    cut: bool = False


class Cut(NamedTuple):
    """How far a domain has processed its topics, and a row of one of its tables, of one moment."""

    ends: Mapping[TopicPartition, int]
    rows: Mapping[int, bytes | None]


class _Work(NamedTuple):
    """The row whose events are searched, and where."""

    domain: Domain
    place: Place
    eras: Sequence[Era]
    cut: Cut


class UnorderedLogError(Exception):
    """The log does not say in which order its records were appended."""


class Lineage:
    """Finds the events behind rows in one installation's log."""

    def __init__(
        self,
        reader: TableReader,
        topology: Topology,
        rulebook: Rulebook,
        progress: Progress,
        bounds: Bounds | None = None,
    ) -> None:
        self._reader, self._log = reader, reader.log
        self._topology, self._rulebook, self._progress = topology, rulebook, progress
        self._bounds = bounds or Bounds()

    async def behind(self, table: str, key: str) -> list[Behind]:
        """Return the events behind a row, for each partition that has it or had it.

        A partition of an era comes before those that its rows moved to.

        Raises:
            UnorderedLogError: a record has no append number, as on Kafka.
            ResizingError: rows move to other partitions just now.
        """
        domain, cut = self._topology.owner(table), await self._cut(table, key)
        eras = eras_of(await finished(self._log), len(cut.rows))
        work, found = _Work(domain, (table, key.encode()), eras, cut), list[Behind]()
        for partition in range(eras[0].partitions):
            await self._follow(work, 0, partition, {}, found)
        return found

    async def _follow(self, work: _Work, number: int, partition: int, rows: Tables, found: list[Behind]) -> None:
        """Find what is behind the row in a partition of an era that began with some rows, and in its children later."""
        era, (table, key) = work.eras[number], work.place
        fold, one = Fold(work.domain.name, self._rulebook), Behind(partition, era)
        for name, some in rows.items():
            fold.rows[name].update(some)
        await self._fold(work, fold, one, sum(len(each.events) for each in found))
        row = fold.rows[table].get(key)
        if era.ended is None:
            now = work.cut.rows[partition]
            one.differs = not one.cut and row != now
            if one.events or one.missing or now is not None:
                found.append(one)
            return
        children: Mapping[int, Tables] = {} if one.cut else self._divided(one, fold)
        one.moved_to = [child for child, tables in children.items() if key in tables.get(table, {})]
        if one.events or one.missing or row is not None or one.moved_to:
            found.append(one)
        for child, tables in children.items():
            await self._follow(work, number + 1, child, tables, found)

    @staticmethod
    def _divided(one: Behind, fold: Fold) -> Mapping[int, Tables]:
        """Return the rows after an era. Those of an incomplete log, or of other rules, may not be divisible."""
        try:
            return one.era.divided(one.partition, fold.rows)
        except (NotReadyError, MisplacedError):
            one.differs = True
            return {partition: {} for partition in one.era.family(one.partition)}

    async def _cut(self, table: str, key: str) -> Cut:
        log, domain, topic = self._log, self._topology.owner(table), self._reader.topic(table)
        partitions = range((await log.topic(topic)).spec.partitions)
        group = self._topology.group(self._reader.app_id, domain.name)
        committed: dict[str, int] = {}
        rows: dict[int, bytes | None] = {}
        for shard in log.shards:
            held = [partition for partition in partitions if shard is log.holder(partition)]
            offsets, *found = await shard.at_once(
                ("HGETALL", shard.keys.offsets(group)),
                *(("HGET", shard.keys.snapshot(topic, partition), key) for partition in held),
            )
            committed.update((name.decode(), int(offset)) for name, offset in offsets.items())
            rows.update(zip(held, found, strict=True))
        await refuse_moving(log, {topic: len(partitions)})
        ends = {
            TopicPartition(consumed, partition): committed.get(f"{consumed}:{partition}", 0)
            for consumed in domain.consumes
            for partition in partitions
        }
        return Cut(ends, {partition: rows[partition] for partition in partitions})

    async def _fold(self, work: _Work, fold: Fold, one: Behind, before: int) -> None:
        """Fold a partition of an era. The bound of events counts those that were found before, in other partitions."""
        group, read = self._topology.group(self._reader.app_id, work.domain.name), 0
        begins: dict[TopicPartition, int] = {}
        ends: dict[TopicPartition, int] = {}
        for topic in work.domain.consumes:
            tp = TopicPartition(topic, one.partition)
            first, ends[tp] = one.era.span(tp, 0, work.cut.ends[tp])
            kept = (await self._log.beginning_offsets(topic))[one.partition]
            begins[tp] = max(first, kept)
            if first < ends[tp] and first < kept:
                one.missing.append(topic)
        async for tp, record in in_append_order(self._log, ends, begins):
            read += 1
            if read % FETCH_RECORDS == 0:
                self._progress(read)
            event = _decoded(record) if is_for(record, group) else None
            if event is not None and work.place in _changed(fold, tp.topic, event):
                one.events.append(Found(tp, record.offset, event))
            if self._bounds.is_over(before + len(one.events)):
                one.cut = True
                return

    async def causes(self, events: Iterable[AnyEvent]) -> dict[str, Found]:
        """Return the events of the chains that some events belong to, by id, as far as the log holds them."""
        chains = {(event.correlationid or event.id).encode() for event in events}
        known = set(await self._log.topics())
        topics = [topic for topic in self._topology.topics if topic in known]
        found: dict[str, Found] = {}
        async for tp, offset, value in records(self._log, topics, self._progress, self._bounds):
            named = _CHAIN.search(value)
            if named is not None and named[1] in chains:
                event = decode(value)
                found[event.id] = Found(tp, offset, event)
        return found


def _changed(fold: Fold, topic: str, event: AnyEvent) -> frozenset[Place]:
    """Return the rows that an event changes; none for one that no rule can handle, which became a dead letter."""
    try:
        return fold.apply(topic, event).changed
    except Exception:
        return frozenset()


async def in_append_order(
    log: Log,
    ends: Mapping[TopicPartition, int],
    begins: Mapping[TopicPartition, int] | None = None,
    *,
    count: int = FETCH_RECORDS,
) -> AsyncIterator[tuple[TopicPartition, StoredRecord]]:
    """Yield the records of co-partitioned topics below some offsets, in the order of their appending.

    Args:
        log: The log.
        ends: The offsets.
        begins: The first offsets; None for all records that the log keeps.
        count: About how many records of a partition are in memory.

    Raises:
        UnorderedLogError: a record has no append number.
        TrimmedError: retention removed a record before it was read.
    """
    waiting: dict[TopicPartition, list[StoredRecord]] = {}
    offsets = dict(begins or {tp: (await log.beginning_offsets(tp.topic))[tp.partition] for tp in ends})
    while True:
        for tp, end in ends.items():
            if not waiting.get(tp) and offsets[tp] < end:
                fetched = (await log.fetch({tp: offsets[tp]}, count=count)).get(tp, [])
                if not fetched or fetched[0].offset != offsets[tp]:
                    raise TrimmedError(f"retention removed record {offsets[tp]} of {tp.topic}:{tp.partition} meanwhile")
                waiting[tp] = [record for record in reversed(fetched) if record.offset < end]
                offsets[tp] = fetched[-1].offset + 1
        heads = [(rows[-1].order, tp) for tp, rows in waiting.items() if rows]
        if not heads:
            return
        order, first = min(heads)
        if not order and len(ends) > 1:
            raise UnorderedLogError(f"a record of {first.topic} has no append number; a log that Kafka fills has none")
        yield first, waiting[first].pop()


def is_for(record: StoredRecord, group: str) -> bool:
    """Return whether a group processes a record. A replayed dead letter is for one group."""
    return all(name != REPLAY_FOR_HEADER or value.decode() == group for name, value in record.headers)


def _decoded(record: StoredRecord) -> AnyEvent | None:
    """Return the event of a record, or None for a dead letter."""
    try:
        return decode(record.value)
    except UndecodableEventError:
        return None
