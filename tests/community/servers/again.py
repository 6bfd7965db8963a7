"""Play a recorded run once more, into the empty tables of another installation, step by step.

Either the records of the first log are copied, byte for byte and in the order of their appending; or the journal's
events are built anew. The clock of the second installation is never set: no gateway takes part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import orjson
from faust_redis.log import Log, Record, StoredRecord, TopicPartition
from faust_redis.log.partitioner import partition_for

from streams import topics
from streams.events import Event, encode
from streams.events.clock import KEY, ticked
from streams.search_bounds import FETCH_RECORDS
from streams.times import Instant
from tables.domains import TOPOLOGY
from tests.community.cluster_run import CLASSES, event_of, key_of
from tests.community.journal import TICK, Entry
from tests.community.servers.quiet import Quiet

INPUTS = TOPOLOGY.fed_topics
"""The topics that the gateway, the relay, the clock and the indexer append to."""

Recorded = Mapping[str, Sequence[Record]]
"""The records of each entry, by the entry's id."""


async def recorded(log: Log, journal: Sequence[Entry]) -> Recorded:
    """Return the records of a log that are the entries of a journal: a tick has one in each partition."""
    wanted = {entry.id for entry in journal}
    found: dict[str, list[Record]] = defaultdict(list)
    known = set(await log.topics())
    for topic in INPUTS:
        if topic not in known:
            continue
        for partition, end in (await log.end_offsets(topic)).items():
            tp, offset = TopicPartition(topic, partition), 0
            while offset < end:
                records = (await log.fetch({tp: offset}, count=FETCH_RECORDS))[tp]
                offset = records[-1].offset + 1
                for record in records:
                    if (name := _id_of(record)) in wanted:
                        found[name].append(_copied(tp, record))
    return found


def built(journal: Sequence[Entry], partitions: int) -> Recorded:
    """Return records with the events of a journal, as the gateway, the relay and the clock would append them.

    A fill that was reported twice has two records, because the reports may differ.
    """
    found: dict[str, list[Record]] = defaultdict(list)
    for entry in journal:
        found[entry.id] += _built(entry, partitions)
    return found


def _built(entry: Entry, partitions: int) -> Iterator[Record]:
    time = Instant(entry.at)
    if entry.name == TICK:
        for number in range(partitions):
            value = encode(ticked(time, partition=number, partitions=partitions))
            yield Record(topics.CLOCK, number, KEY.encode(), value, time.milliseconds())
        return
    data = event_of(entry)
    key = key_of(entry, data)
    event = Event.first(data, event_id=entry.id, time=time, key=key, rules_version=None)
    number = partition_for(key.encode(), partitions)
    yield Record(CLASSES[entry.name].topic, number, key.encode(), encode(event), time.milliseconds())


def _id_of(record: StoredRecord) -> str:
    return str(orjson.loads(record.value or b"{}").get("id", ""))


def _copied(tp: TopicPartition, record: StoredRecord) -> Record:
    return Record(tp.topic, tp.partition, record.key, record.value, record.timestamp_ms, record.headers)


async def play_again(log: Log, quiet: Quiet, journal: Sequence[Entry], steps: Sequence[int], records: Recorded) -> None:
    """Append the records of each step, and wait until they have taken effect. A fill that came twice is sent twice."""
    sent: dict[str, int] = defaultdict(int)
    for begin, end in pairwise([0, *steps]):
        batch: list[Record] = []
        for entry in journal[begin:end]:
            mine = records[entry.id]
            if entry.name == TICK:
                batch += mine
            else:
                batch.append(mine[min(sent[entry.id], len(mine) - 1)])
            sent[entry.id] += 1
        if batch:
            await log.append(batch)
            await quiet.wait()
