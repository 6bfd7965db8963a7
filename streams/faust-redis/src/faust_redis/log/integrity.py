"""Find out whether the keys of a partition agree with each other, and repair a partition whose keys do not."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from faust_redis.log import codec
from faust_redis.log.client import Log
from faust_redis.log.errors import DamagedPartitionError, ForeignKeyError, GroupInUseError, LogError, UnknownTopicError
from faust_redis.log.rankings import standings_of
from faust_redis.log.records import TopicPartition
from faust_redis.log.scripts import INSPECT, REPAIR
from faust_redis.log.write_arguments import packed_parts, packed_rows

RECORDS_COMPARED = 500
"""Last records of a partition that an inspection compares with its snapshot; bounds how long it blocks the server."""

ROWS_RANKED_MAX = 50_000
"""Rows of a ranked topic up to which an inspection compares them with its rankings."""

ATTEMPTS = 3
"""How many times an inspection or a repair reads a partition that is written to meanwhile."""

ROWS_SHOWN = 3
PAGE_ENTRIES = 100
STREAM_KINDS = frozenset({"type", "end", "entry"})


class Damage(NamedTuple):
    """One disagreement between the keys of a partition.

    Attributes:
        kind: ``type``, ``end``, ``entry``, ``missing``, ``order``, ``row`` or ``ranking``.
        found: What was found.
    """

    kind: str
    found: str


async def inspect_partition(log: Log, tp: TopicPartition) -> list[Damage]:
    """Compare a partition's stream, highwater and snapshot.

    The inspection reads the last records, and the next record of each group.
    """
    log = log.holder(tp.partition)
    args = [log.keys.prefix, tp.topic, tp.partition, RECORDS_COMPARED]
    reply = [part.decode(errors="replace") for part in await log.run(INSPECT, [log.keys.topics], args)]
    found = dict.fromkeys(Damage(kind, text) for kind, text in zip(reply[::2], reply[1::2], strict=True))
    return list(found) or await _inspect_tail(log, tp)


async def _inspect_tail(log: Log, tp: TopicPartition) -> list[Damage]:
    """Read the last records, and compare rows with them; skip a partition that is written to all the time."""
    for _ in range(ATTEMPTS):
        try:
            records = await log.tail(tp, RECORDS_COMPARED)
        except DamagedPartitionError as exc:
            return [Damage("entry", exc.damage)]
        last = {record.key: record.value for record in records if record.key is not None}
        if not last or not (await log.topic(tp.topic)).spec.compacted:
            return []
        values, end = await log.at_once(
            ("HMGET", log.keys.snapshot(*tp), *last), ("HGET", log.keys.ends(tp.topic), tp.partition)
        )
        if int(end or 0) == records[-1].offset + 1:
            wrong = [
                key.decode(errors="replace") for key, value in zip(last, values, strict=True) if value != last[key]
            ]
            text = f"{len(wrong)} rows of the snapshot differ from their last record: {', '.join(wrong[:ROWS_SHOWN])}"
            return [Damage("row", text)] if wrong else []
    return []


async def inspect_rankings(log: Log, topic: str) -> list[Damage]:
    """Compare the rankings of a ranked topic with its rows.

    Skip a topic with many rows, and one that is written to all the time: the comparison reads many times.
    """
    if (await log.topic(topic)).spec.view != "rank":
        return []
    for _ in range(ATTEMPTS):
        before = await log.end_offsets(topic)
        expected = await _expected_rankings(log, topic)
        if expected is None:
            return []
        found = {name: await _ranked(log, topic, name) for name in expected.keys() | await _ranking_names(log, topic)}
        if await log.end_offsets(topic) == before:
            wrong = sorted(name for name, members in found.items() if members != expected.get(name, {}))
            return [Damage("ranking", f"ranking {name!r} does not hold the members of the rows") for name in wrong]
    return []


async def inspect_topic(log: Log, topic: str) -> dict[TopicPartition, list[Damage]]:
    """Return the damaged partitions of a topic. A wrong ranking counts for the first partition of its shard."""
    damaged: dict[TopicPartition, list[Damage]] = {}
    for shard in log.shards:
        partitions = shard.partitions_of(await shard.topic(topic))
        places = [TopicPartition(topic, partition) for partition in partitions]
        found = {tp: damages for tp in places if (damages := await inspect_partition(shard, tp))}
        if places and not found and (damages := await inspect_rankings(shard, topic)):
            found[places[0]] = damages
        damaged |= found
    return damaged


async def inspect_for_repair(log: Log, tp: TopicPartition) -> list[Damage]:
    """Inspect a partition and its topic's rankings, and read all of its records.

    Raises:
        UnknownTopicError: there is no such partition.
    """
    log = log.holder(tp.partition)
    partitions = log.partitions_of(await log.topic(tp.topic))
    if tp.partition not in partitions:
        raise UnknownTopicError(f"topic {tp.topic!r} has the partitions 0 to {partitions[-1]}, not {tp.partition}")
    damages = [*await inspect_partition(log, tp), *await _unreadable(log, tp)]
    others = [TopicPartition(tp.topic, partition) for partition in partitions]
    found = [damage for other in others for damage in await inspect_partition(log, other)]
    if not any(damage.kind == "type" for damage in found):
        damages += await inspect_rankings(log, tp.topic)
    return list(dict.fromkeys(damages))


async def repair_partition(log: Log, tp: TopicPartition) -> list[str]:
    """Make the keys of a partition consistent again; return a text for each change, none when nothing is wrong.

    The repair removes entries that the log did not write, and records of a write that was never completed. It gives
    readable timestamps to records without, sets the rows of the snapshot to their last record, and rebuilds the
    rankings. It cannot bring back records or rows that are gone.

    Raises:
        GroupInUseError: a group of this log has live members.
    """
    log = log.holder(tp.partition)
    damages = await inspect_for_repair(log, tp)
    if not damages:
        return []
    rebuilds = int(any(damage.kind in STREAM_KINDS for damage in damages))
    rankings = [log.keys.ranking(tp.topic, name) for name in sorted(await _ranking_names(log, tp.topic))]
    end = 0
    for _ in range(ATTEMPTS):
        kept = await _kept_below(log, tp, end)
        args = [log.keys.prefix, tp.topic, tp.partition, rebuilds, end, *kept, *rankings]
        status, *rest = (part.decode(errors="replace") for part in await log.run(REPAIR, [log.keys.topics], args))
        if status == "ALIVE":
            raise GroupInUseError(
                f"groups have live members ({', '.join(sorted(rest))}); stop them first, then repeat this"
            )
        if status == "DONE":
            return rest
        end = int(rest[0])
    raise LogError(f"partition {tp.partition} of {tp.topic!r} is written to; stop its writers, then repeat this")


async def _kept_below(log: Log, tp: TopicPartition, end: int) -> tuple[int, bytes, bytes]:
    """Read the records below an end. Return the offset of the first, the last value of each key, and unreadable ids.

    Each id comes with the timestamp of the record before it. Values and ids are packed for the repair script.
    """
    first, rows, unreadable, timestamp_ms = end, dict[bytes, bytes | None](), list[bytes](), 0
    low = "-"
    while True:
        try:
            [entries] = await log.at_once(("XRANGE", log.keys.stream(*tp), low, f"0-{end}", "COUNT", PAGE_ENTRIES))
        except ForeignKeyError:
            entries = []
        for entry in entries:
            first = min(first, codec.first_offset_of(entry, end))
            try:
                records = codec.stored(entry)
                rows.update((one.key, one.value) for one in records if one.key is not None)
                timestamp_ms = records[-1].timestamp_ms
            except ValueError:
                unreadable += (entry[0], b"%d" % timestamp_ms)
                rows.update(codec.row_of(entry[1]))
        if len(entries) < PAGE_ENTRIES:
            return first, packed_rows(rows), packed_parts(unreadable)
        low = f"({entries[-1][0].decode()}"


async def _unreadable(log: Log, tp: TopicPartition) -> list[Damage]:
    """Read the whole partition up to the first entry that cannot be read."""
    position = 0
    while True:
        fetched = await log.fetch_each({tp: position})
        if tp in fetched.damaged:
            return [Damage("entry", fetched.damaged[tp].damage)]
        if tp not in fetched.records:
            return []
        position = fetched.records[tp][-1].offset + 1


async def _expected_rankings(log: Log, topic: str) -> dict[str, dict[bytes, float]] | None:
    expected: defaultdict[str, dict[bytes, float]] = defaultdict(dict)
    count = 0
    for partition in log.partitions_of(await log.topic(topic)):
        async for rows in log.rows(TopicPartition(topic, partition)):
            count += len(rows)
            if count > ROWS_RANKED_MAX:
                return None
            for key, value in rows:
                for name, member, score in standings_of(key, value):
                    expected[name][b"%d|%s" % (partition, member)] = score
    return expected


async def _ranked(log: Log, topic: str, name: str) -> dict[bytes, float] | None:
    """Return the members of a ranking with their scores; None when its key holds a value of another type."""
    try:
        [flat] = await log.at_once(("ZRANGE", log.keys.ranking(topic, name), 0, -1, "WITHSCORES"))
    except ForeignKeyError:
        return None
    return dict(zip(flat[::2], map(float, flat[1::2]), strict=True))


async def _ranking_names(log: Log, topic: str) -> set[str]:
    prefix = log.keys.ranking(topic, "")
    pattern = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in prefix) + "*"
    return {key.decode().removeprefix(prefix) async for key in log.redis.scan_iter(pattern, count=1_000)}
