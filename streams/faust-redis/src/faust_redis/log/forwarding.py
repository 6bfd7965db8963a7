"""Forward the records of transit topics to the shards that they are for, each once.

A forwarder appends records and moves its source offsets at the other shard in one write, by compare-and-set. So two
forwarders of the same topic append nothing twice, and a forwarder that dies continues where the other shard stands. A
source offset is kept for each writer: the number of its last parcel that arrived. Numbers of parcels never recur, so
they hold when one of the two shards is restored to an earlier state. Offsets of the transit topic would not.

One more source offset counts all parcels. So a write is refused unless the other shard has exactly what the forwarder
knows, and what the other shard has of a transit topic is always a beginning of it.

A writer is forgotten when all its parcels have been trimmed for days. A writer writes for a day from the beginning that
its name tells, so the oldest parcel that the transit topic has says which writers have none there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from faust_redis.log.errors import LogError, SourceMovedError, UnknownTopicError
from faust_redis.log.records import (
    Appended,
    SourceOffsets,
    StoredRecord,
    TopicInfo,
    TopicPartition,
    TopicSpec,
    WriteBatch,
)
from faust_redis.log.shards import Shard
from faust_redis.log.transit import Parcel, began_ms, transit_group, transit_topic, unpack

PARCELS_MAX: Final = 64
"""How many parcels a forwarder reads at once."""
RECORDS_MAX: Final = 400
"""After so many records a write takes no further parcel; bounds how long it blocks the server."""
BLOCK_MS: Final = 500
LOOK_EVERY_S: Final = 2.0
"""How often a forwarder looks whether the target was restored to an earlier state."""
FORGET_AFTER_MS: Final = 7 * 86_400_000
"""How long before the oldest parcel of a transit topic a writer must have begun to be forgotten.

It is longer than `WRITER_LIFE_MS` by the age up to which a shard may be restored alone."""
ALL_WRITERS: Final = ""
"""The writer under whose name all parcels are counted."""
RETRY_FIRST_S: Final = 0.05
RETRY_MAX_S: Final = 2.0

logger = logging.getLogger(__name__)


class Source(Protocol):
    """The shard whose transit topics are forwarded."""

    @property
    def shard(self) -> Shard:
        """Return which shard it is."""

    async def fetch(
        self, offsets: Mapping[TopicPartition, int], *, count: int = 500, block_ms: int | None = None
    ) -> dict[TopicPartition, list[StoredRecord]]:
        """Return records from an offset on; wait up to `block_ms` when there are none."""

    async def at(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, StoredRecord | None]:
        """Return the record at an offset."""

    async def topic(self, name: str, *, fresh: bool = False) -> TopicInfo:
        """Return a topic, or raise `UnknownTopicError`."""

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """Return the committed offsets of a group."""

    async def commit(self, batch: WriteBatch) -> Appended:
        """Commit offsets."""


class Target(Protocol):
    """A shard that gets the records."""

    async def source_offsets(self, name: str) -> dict[TopicPartition, int]:
        """Return how far each writer's parcels have arrived."""

    async def topic(self, name: str) -> TopicInfo:
        """Return a topic as this client knows it, or raise `UnknownTopicError`."""

    async def create_topic(self, spec: TopicSpec) -> TopicInfo:
        """Create a topic, or return the one that exists."""

    async def commit(self, batch: WriteBatch) -> Appended:
        """Append records and move source offsets, or raise `SourceMovedError`."""


class Forwarder:
    """Forwards what one shard sends to one other shard under one name.

    Args:
        source: The shard that sends.
        target: The shard that gets it.
        name: What the names of the transit topics begin with. It is also the group whose offsets hold back trimming.
        number: The target's number.

    Attributes:
        error: Why the parcels wait since the last attempt; None while they are forwarded.
    """

    def __init__(self, source: Source, target: Target, name: str, number: int) -> None:
        self._source = source
        self._target = target
        self._group = transit_group(name)
        self._place = TopicPartition(transit_topic(name, number), source.shard.number)
        self._copy = f"{self._place.topic}:{self._place.partition}"
        self._position: int | None = None
        self._last: StoredRecord | None = None
        self._arrived: dict[str, int] = {}
        self._looked_s = 0.0
        self.error: LogError | None = None

    async def run(self) -> None:
        """Forward until cancelled. A shard that is away is asked again; the records wait in the transit topic."""
        pause_s = RETRY_FIRST_S
        while True:
            try:
                await self.step(BLOCK_MS)
                pause_s, self.error = RETRY_FIRST_S, None
            except SourceMovedError as exc:
                logger.debug("%s is forwarded by another process too: %s", self._place.topic, exc)
                self.begin_again()
                await asyncio.sleep(pause_s)
            except LogError as exc:
                if self.error is None:
                    logger.warning("records of %s wait to be forwarded: %s", self._place.topic, exc)
                self.error = exc
                self._position = None
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)

    async def step(self, block_ms: int | None = None) -> int:
        """Forward the next parcels; return how many the transit topic had. Wait for one when it has none."""
        if self._position is None:
            self._position = await self._begin()
        looked = await self._look_at_target()
        found = await self._source.fetch({self._place: self._position}, count=PARCELS_MAX, block_ms=block_ms)
        records = found.get(self._place, [])
        if not await self._is_whole(self._position):
            self._position = None
            return len(records)
        if looked and (await self._committed()) < self._position:
            await self._commit(self._position)  # an earlier commit came late
        for taken in _bounded([(record, _parcel_of(record)) for record in records]):
            await self._forward([parcel for _, parcel in taken])
            self._last = taken[-1][0]
            self._position = self._last.offset + 1
            await self._commit(self._position)
        return len(records)

    async def _committed(self) -> int:
        return (await self._source.committed(self._group)).get(self._place, 0)

    async def _commit(self, position: int) -> None:
        await self._source.commit(WriteBatch([], {self._place: position}, group=self._group))

    def begin_again(self) -> None:
        """Read where the other shard stands before the next step."""
        self._position = None

    async def _begin(self) -> int:
        """Return the committed offset if the target has the parcel below it, and so all before it; else 0.

        Parcels above it that have arrived are left out later.
        """
        committed = await self._committed()
        self._arrived = await self._where_writers_stand()
        self._last = None if committed == 0 else await self._record_at(committed - 1)
        if self._last is not None:
            last = _parcel_of(self._last)
            if last.number <= self._arrived.get(last.writer, 0):
                return committed
        self._last = None
        await self._rewind()
        return 0

    async def _record_at(self, offset: int) -> StoredRecord | None:
        return (await self._source.at({self._place: offset}))[self._place]

    async def _is_whole(self, position: int) -> bool:
        """Return whether the source still has the record that was forwarded last; else it went back in time."""
        if self._last is None:
            return True
        stands = await self._record_at(position - 1)
        return stands is not None and stands.value == self._last.value

    async def _look_at_target(self) -> bool:
        """Begin again when parcels that had arrived are gone. Return whether it was time to look.

        Raises:
            SourceMovedError: the target was restored to an earlier state.
        """
        now_s = asyncio.get_running_loop().time()
        if now_s < self._looked_s + LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        if await self._went_back():
            raise SourceMovedError(f"the shard that {self._place.topic} goes to was restored to an earlier state")
        await self._forget_writers()
        return True

    async def _went_back(self) -> bool:
        """Return whether parcels that had arrived are gone from the target. Then read the transit topic again."""
        stands = await self._where_writers_stand()
        lost = any(stands.get(writer, 0) < number for writer, number in self._arrived.items())
        if lost:
            await self._rewind()
        return lost

    async def _where_writers_stand(self) -> dict[str, int]:
        return {place.topic: number for place, number in (await self._target.source_offsets(self._copy)).items()}

    async def _forget_writers(self) -> None:
        """Remove the source offsets of writers that have had no parcel in the transit topic for days.

        Raises:
            SourceMovedError: another forwarder was faster.
        """
        oldest = (await self._source.fetch({self._place: 0}, count=1)).get(self._place)
        if not oldest:
            return
        latest_ms = began_ms(_parcel_of(oldest[0]).writer) - FORGET_AFTER_MS
        forgotten = {who: number for who, number in self._arrived.items() if who and began_ms(who) < latest_ms}
        if forgotten:
            count = self._arrived[ALL_WRITERS]
            steps = {who: (number, 0) for who, number in forgotten.items()} | {ALL_WRITERS: (count, count)}
            await self._target.commit(WriteBatch(source_offsets=self._source_offsets(steps)))
            self._arrived = {who: number for who, number in self._arrived.items() if who not in forgotten}

    def _source_offsets(self, steps: Mapping[str, tuple[int, int]]) -> SourceOffsets:
        places = {TopicPartition(who, 0): step for who, step in steps.items()}
        return SourceOffsets(self._copy, places, forwarded=True)

    async def _forward(self, parcels: Sequence[Parcel]) -> None:
        """Append the parcels that have not arrived.

        Raises:
            SourceMovedError: another forwarder was faster, or the target was restored to an earlier state.
        """
        reached = self._arrived.copy()
        new: list[Parcel] = []
        for parcel in parcels:
            if parcel.number > reached.get(parcel.writer, 0):
                reached[parcel.writer] = parcel.number
                reached[ALL_WRITERS] = reached.get(ALL_WRITERS, 0) + 1
                new.append(parcel)
        changed = {writer: number for writer, number in reached.items() if number != self._arrived.get(writer, 0)}
        if not changed:
            return
        steps = {who: (self._arrived.get(who, 0), number) for who, number in changed.items()}
        try:
            await self._append(new, self._source_offsets(steps))
        except SourceMovedError:
            await self._went_back()
            raise
        self._arrived = reached

    async def _append(self, parcels: Sequence[Parcel], source_offsets: SourceOffsets) -> None:
        """Append records to the target, in the partitions that their topics have there now.

        Create there a topic that it does not have yet, as the source has it.

        Raises:
            UnknownTopicError: neither has a topic. It was deleted, or both were flushed and it is not there again yet.
        """
        topics = sorted({record.topic for parcel in parcels for record in parcel.records})

        async def append() -> None:
            counts = {topic: (await self._target.topic(topic)).spec.partitions for topic in topics}
            records = [record for parcel in parcels for record in parcel.placed(counts, self._source.shard.count)]
            await self._target.commit(WriteBatch(records, source_offsets=source_offsets))

        try:
            await append()
        except UnknownTopicError:
            for topic in topics:
                await self._target.create_topic((await self._source.topic(topic, fresh=True)).spec)
            await append()

    async def _rewind(self) -> None:
        """Commit the beginning again, so that nothing is trimmed that a restored target needs once more."""
        await self._commit(0)


def _parcel_of(record: StoredRecord) -> Parcel:
    """Read a record of a transit topic.

    Raises:
        LogError: something else wrote it. A forwarder tries again and says so.
    """
    try:
        return unpack(record.value or b"", record.headers)
    except ValueError as exc:
        raise LogError(f"the record at offset {record.offset} is no parcel: {exc}") from exc


def _bounded(parcels: Sequence[tuple[StoredRecord, Parcel]]) -> list[list[tuple[StoredRecord, Parcel]]]:
    """Return parcels in groups that one write each takes."""
    groups: list[list[tuple[StoredRecord, Parcel]]] = []
    count = RECORDS_MAX
    for each in parcels:
        if count >= RECORDS_MAX:
            groups.append([])
            count = 0
        groups[-1].append(each)
        count += len(each[1].records)
    return groups


async def forward_all(forwarders: Iterable[Forwarder]) -> None:
    """Forward what waits now. A process that ends after a write calls this.

    Raises:
        LogError: a shard cannot be reached; the rest waits for the next run.
    """
    for each in forwarders:
        waits = True
        while waits:
            try:
                waits = await each.step() > 0
            except SourceMovedError:
                each.begin_again()
