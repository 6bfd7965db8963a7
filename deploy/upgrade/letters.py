"""Read which events a domain made dead letters, also those that were replayed or dropped since."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from faust_redis.dead_letters import DeadLetter
from faust_redis.log import Log, TopicPartition

from streams.events import UndecodableEventError, decode
from streams.search_bounds import FETCH_RECORDS
from streams.topics import DEAD_LETTERS
from streams.topology import Topology

Letters = frozenset[tuple[str, str]]
"""The domain and the id of each event."""


async def letters(log: Log, topology: Topology, app_id: str, domains: Iterable[str]) -> Letters:
    """Return the events that some domains made dead letters, as far back as the log has them."""
    if DEAD_LETTERS not in await log.topics():
        return frozenset()
    by_group = {topology.group(app_id, domain): domain for domain in domains}
    found = set()
    async for raw in _values(log):
        letter = DeadLetter.decode(raw)
        try:
            event = decode(letter.value)
        except UndecodableEventError:  # no replay handles it
            continue
        if letter.group in by_group:
            found.add((by_group[letter.group], event.id))
    return frozenset(found)


async def _values(log: Log) -> AsyncIterator[bytes]:
    """Yield the open letters, and then all letters that the log still has the record of."""
    begins, ends = await log.beginning_offsets(DEAD_LETTERS), await log.end_offsets(DEAD_LETTERS)
    for partition, begin in begins.items():
        tp, offset = TopicPartition(DEAD_LETTERS, partition), begin
        async for rows in log.rows(tp):
            for _, value in rows:
                yield value
        while offset < ends[partition]:
            records = (await log.fetch({tp: offset}, count=FETCH_RECORDS)).get(tp, [])
            for record in records:
                if record.value is not None:
                    yield record.value
            offset = records[-1].offset + 1 if records else ends[partition]
