"""All rows of an installation, and what must hold of its log at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable

from faust_redis.log import Log, TopicPartition, UnknownTopicError

from streams.events import AnyEvent, decode
from streams.search_bounds import FETCH_RECORDS
from streams.topics import DEAD_LETTERS
from tables.domains import TOPOLOGY
from tables.reader import TableReader
from tests.community.compared.engine import StoredRow
from tests.community.servers.quiet import APP_ID


async def stored_rows(log: Log) -> dict[str, list[StoredRow]]:
    """Return the rows of all tables, a table at a time."""
    reader, found = TableReader(log, APP_ID), {}
    for spec in TOPOLOGY.tables:
        rows = found[spec.name] = list[StoredRow]()
        async for some in reader.scan(spec.name):
            load = spec.model.load if spec.model is not None else None
            rows += [StoredRow(one.partition, one.key, load(one.value) if load else one.value) for one in some]
    return found


async def dead_letters(log: Log) -> int:
    """Return how many messages became dead letters."""
    try:
        return sum((await log.end_offsets(DEAD_LETTERS)).values())
    except UnknownTopicError:
        return 0


async def events_in(log: Log, topics: Iterable[str]) -> int:
    """Return how many events some topics ever got."""
    return sum([sum((await log.end_offsets(topic)).values()) for topic in topics])


async def all_events(log: Log) -> list[AnyEvent]:
    """Return the events of all topics of the domains."""
    found: list[AnyEvent] = []
    for topic in set(TOPOLOGY.topics) & set(await log.topics()):
        for partition, end in (await log.end_offsets(topic)).items():
            tp, offset = TopicPartition(topic, partition), 0
            while offset < end:
                records = (await log.fetch({tp: offset}, count=FETCH_RECORDS))[tp]
                offset = records[-1].offset + 1
                found += [decode(record.value) for record in records if record.value is not None]
    return found
