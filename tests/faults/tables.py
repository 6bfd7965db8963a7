"""Checks of a table in the log: its rows equal the model's; its snapshot and rankings equal its changelog's fold."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgpack
from faust_redis.log import Log, StoredRecord

from streams.topology import TableSpec, changelog_topic
from tests.bench.group_progress import APP_ID
from tests.e2e.topic_records import records_of
from tests.faults.events import Finding, finding_if_any

Snapshot = Mapping[bytes, bytes]


async def snapshots_of(log: Log, topic: str) -> dict[int, dict[bytes, bytes]]:
    """Return the snapshot of each partition of a compacted topic."""
    partitions = range((await log.topic(topic)).spec.partitions)
    replies = await log.ask_each(partitions, lambda keys, partition: ("HGETALL", keys.snapshot(topic, partition)))
    return {partition: replies[partition] for partition in partitions}


async def table_differs(log: Log, table: TableSpec[Any], right: Mapping[int, Snapshot]) -> list[Finding]:
    """Return all errors of one table."""
    topic = changelog_topic(APP_ID, table.name)
    snapshots, changes = await snapshots_of(log, topic), await records_of(log, topic)
    found: list[Finding] = []
    for partition, snapshot in snapshots.items():
        where = f"{table.name}:{partition}"
        found += rows_differ(where, right.get(partition, {}), snapshot)
        found += fold_differs(where, changes[partition], snapshot)
    for shard in log.shards if table.ranked else ():
        own = {partition: rows for partition, rows in snapshots.items() if shard.shard.holds(partition)}
        found += await rankings_differ(shard, topic, own)
    return found


def rows_differ(where: str, right: Snapshot, snapshot: Snapshot) -> Iterator[Finding]:
    """Compare rows with the model, byte for byte."""
    yield from finding_if_any(where, "rows missing", sorted(right.keys() - snapshot.keys()))
    yield from finding_if_any(where, "rows unexpected", sorted(snapshot.keys() - right.keys()))
    wrong = [
        f"{key!r} is {snapshot[key]!r}, should be {right[key]!r}"
        for key in sorted(right.keys() & snapshot.keys())
        if right[key] != snapshot[key]
    ]
    yield from finding_if_any(where, "rows wrong", wrong)


def fold_differs(where: str, changes: Iterable[StoredRecord], snapshot: Snapshot) -> Iterator[Finding]:
    """Compare rows with the changelog: all of it if it is kept whole, else the rows that the kept part changes."""
    changes = list(changes)
    last = {record.key: record.value for record in changes if record.key is not None}
    wrong: set[bytes] = {key for key, value in last.items() if snapshot.get(key) != value}
    if not changes or changes[0].offset == 0:
        wrong |= snapshot.keys() - {key for key, value in last.items() if value is not None}
    yield from finding_if_any(where, "rows of the snapshot that are not the fold of the changelog", sorted(wrong))


async def rankings_differ(log: Log, topic: str, snapshots: Mapping[int, Snapshot]) -> list[Finding]:
    """Check that every sorted set holds exactly the rows of its group, and that there is no other set."""
    right: dict[str, dict[bytes, float]] = defaultdict(dict)
    for partition, snapshot in snapshots.items():
        for key, value in snapshot.items():
            name, _, member = key.decode().rpartition("|")
            for period, (score, *_) in msgpack.unpackb(value).items():
                right[f"{name}/{period}"][f"{partition}|{member}".encode()] = score
    prefix = log.keys.ranking(topic, "")
    names = [name.decode() async for name in log.redis.scan_iter(f"{prefix}*", count=1_000)]
    found = list(finding_if_any(topic, "rankings unexpected", sorted(set(names) - {prefix + group for group in right})))
    members = await log.at_once(*(("ZRANGE", prefix + group, 0, -1, "WITHSCORES") for group in right)) if right else []
    wrong = [
        group
        for group, stored in zip(right, members, strict=True)
        if dict(zip(stored[::2], map(float, stored[1::2]), strict=True)) != right[group]
    ]
    return found + list(finding_if_any(topic, "rankings that are not their rows", wrong))
