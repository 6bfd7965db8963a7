"""A topic that is archived, records in it, and what reads them back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from faust_redis.archive import TieredLog
from faust_redis.archive.archiver import Archiver
from faust_redis.archive.storage import Storage
from faust_redis.log import Log, Record, StoredRecord, TopicPartition, TopicSpec

TOPIC = "events"
SHORT_MS = 40
SPEC = TopicSpec(TOPIC, 2, retention_ms=SHORT_MS, archived=True)
BOTH = (TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1))
DEADLINE_S = 20.0
ENTRY_RECORDS = 10


def record(partition: int, number: int) -> Record:
    """Return the nth record of a partition: with and without key, value and headers."""
    key = None if number % 7 == 0 else b"key-%d" % (number % 5)
    value = None if number % 11 == 0 else b'{"id":"%d","n":%d}' % (number, number)
    headers = (("trace", b"t%d" % number), ("trace", b"")) if number % 3 == 0 else ()
    return Record(TOPIC, partition, key, value, 1_000 + number, headers)


async def fill(log: Log, count: int, first: int = 0, *, batch: int = ENTRY_RECORDS) -> None:
    """Append records to both partitions, `batch` at a time."""
    for begin in range(first, first + count, batch):
        numbers = range(begin, min(begin + batch, first + count))
        await log.append([record(p, number) for p in (0, 1) for number in numbers])


def archiver(log: Log, archive: Path | str) -> Archiver:
    return Archiver(log, Storage(str(archive)))


async def archive_all(archiver: Archiver) -> None:
    """Archive everything that the log has."""
    for info in await archiver.topics():
        while waiting := {p: one for p, one in (await archiver.backlogs(info)).items() if one.size}:
            for partition, backlog in waiting.items():
                await archiver.archive(info, partition, backlog)


async def trim(log: Log, down_to: int | None = None) -> None:
    """Trim the topic until only the last entry of each partition is left, or down to an offset."""
    ends = await log.end_offsets(TOPIC) if down_to is None else dict.fromkeys((0, 1), down_to)
    deadline = asyncio.get_running_loop().time() + DEADLINE_S
    while True:
        await log.trim(TOPIC, list(ends), 100_000)
        begins = await Log.beginning_offsets(log, TOPIC)
        if all(begins[p] >= ends[p] - ENTRY_RECORDS for p in ends):
            return
        assert asyncio.get_running_loop().time() < deadline, f"not trimmed in time: {begins} of {ends}"
        await asyncio.sleep(SHORT_MS / 1000)


async def read_all(log: Log, tp: TopicPartition, count: int = 70) -> list[StoredRecord]:
    """Read a partition from its first record on, as a consumer does."""
    offset, records = (await log.beginning_offsets(tp.topic))[tp.partition], []
    while some := (await log.fetch({tp: offset}, count=count)).get(tp):
        assert some[0].offset == offset
        records += some
        offset = some[-1].offset + 1
    return records


def plain(records: Sequence[StoredRecord]) -> list[StoredRecord]:
    """Return all fields of records but the entry that holds them."""
    return [one._replace(batch=None) for one in records]


def tiered(log: Log, archive: Path | str) -> TieredLog:
    return TieredLog(log.url, log.keys.namespace, archive=str(archive))
