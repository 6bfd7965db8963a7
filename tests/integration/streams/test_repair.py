"""An inspection finds damaged partitions, and a repair restores them while no member of a group is alive."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgpack
import pytest
from faust_redis.log import Fence, GroupInUseError, Log, Record, TopicPartition, TopicSpec, WriteBatch
from faust_redis.log.integrity import Damage, inspect_topic, repair_partition
from faust_redis.log.scripts import GROUP

EVENTS, TABLE = TopicPartition("events", 0), TopicPartition("table", 0)
VALUES = (b"1", b"2", b"3", b"4")


def row(score: int) -> bytes:
    packed: bytes = msgpack.packb({"all": [score]})
    return packed


@pytest.fixture(autouse=True, params=["single records", "a batch"])
async def batched(log: Log, request: Any) -> bool:
    """Write four records to each partition; the second and the third share an entry, or not."""
    batched = bool(request.param == "a batch")
    await log.create_topic(TopicSpec("events", 2))
    await log.create_topic(TopicSpec("table", 1, "compact", "rank"))
    rows = ((b"xp|ada", row(1)), (b"xp|bob", row(2)), (b"xp|ada", row(3)), (b"xp|cyd", None))
    for begin, end in [(0, 1), (1, 3), (3, 4)] if batched else [(n, n + 1) for n in range(4)]:
        await log.append([Record("events", 0, b"k", value, 7) for value in VALUES[begin:end]])
        await log.append([Record("table", 0, key, stored, 7) for key, stored in rows[begin:end]])
    await log.commit(WriteBatch([], {EVENTS: 2}, group="done"))
    return batched


async def foreign_id(log: Log) -> None:
    await log.redis.xadd(log.keys.stream(*EVENTS), {"x": "1"})


async def foreign_entry(log: Log) -> None:
    await log.redis.xadd(log.keys.stream(*EVENTS), {"k": "k", "v": "5", "t": "1"}, id="0-*")


async def unreadable_entry(log: Log) -> None:
    await log.redis.xadd(log.keys.stream(*EVENTS), {"k": "k", "v": "5", "t": "9" * 30}, id="0-*")
    await log.redis.hset(log.keys.ends("events"), "0", "5")
    await log.append([Record("events", 0, b"k", b"6", 8)])


async def stream_replaced(log: Log) -> None:
    await log.redis.rename(log.keys.stream(*EVENTS), "elsewhere")
    await log.redis.set(log.keys.stream(*EVENTS), "foreign")


async def stream_deleted(log: Log) -> None:
    await log.redis.delete(log.keys.stream(*EVENTS))


async def ends_deleted(log: Log) -> None:
    await log.redis.delete(log.keys.ends("events"))


async def ends_replaced(log: Log) -> None:
    await log.redis.set(log.keys.ends("events"), "foreign")


async def torn_commit(log: Log) -> None:
    """Append to a stream without moving its high watermark, as the commit script of version 0.1 could."""
    await log.redis.xadd(log.keys.stream(*TABLE), {"k": "xp|ada", "v": row(9), "t": "1"}, id="0-*")
    await log.redis.hset(log.keys.snapshot(*TABLE), "xp|ada", row(9))


async def row_tampered(log: Log) -> None:
    await log.redis.hset(log.keys.snapshot(*TABLE), "xp|ada", row(8))


async def row_returned(log: Log) -> None:
    await log.redis.hset(log.keys.snapshot(*TABLE), "xp|cyd", row(0))


async def snapshot_replaced(log: Log) -> None:
    await log.redis.set(log.keys.snapshot(*TABLE), "foreign")


async def ranking_forged(log: Log) -> None:
    await log.redis.zadd(log.keys.ranking("table", "xp/all"), {"0|eve": 0})


async def ranking_replaced(log: Log) -> None:
    await log.redis.set(log.keys.ranking("table", "xp/all"), "foreign")


Damaging = Callable[[Log], Awaitable[None]]
WHOLE = VALUES
DAMAGES: list[tuple[Damaging, tuple[bytes, ...]]] = [
    (foreign_id, WHOLE),
    (foreign_entry, WHOLE),
    (unreadable_entry, (*WHOLE, b"5", b"6")),
    (stream_replaced, ()),
    (stream_deleted, ()),
    (ends_deleted, WHOLE),
    (ends_replaced, WHOLE),
    (torn_commit, WHOLE),
    (row_tampered, WHOLE),
    (row_returned, WHOLE),
    (snapshot_replaced, WHOLE),
    (ranking_forged, WHOLE),
    (ranking_replaced, WHOLE),
]


async def damaged(log: Log) -> list[TopicPartition]:
    return [tp for topic in await log.topics() for tp in await inspect_topic(log, topic)]


async def test_nothing_is_found_and_nothing_done_where_all_is_well(log: Log) -> None:
    assert await damaged(log) == []
    assert await repair_partition(log, EVENTS) == []
    assert await repair_partition(log, TABLE) == []


@pytest.mark.parametrize(("damage", "kept"), DAMAGES, ids=lambda value: getattr(value, "__name__", ""))
async def test_a_damaged_partition_is_found_repaired_and_written_to_again(
    log: Log, damage: Damaging, kept: tuple[bytes, ...]
) -> None:
    await damage(log)
    tp, *_ = await damaged(log)
    assert tp in {EVENTS, TABLE}
    assert await repair_partition(log, tp), "it says what it did"
    assert await damaged(log) == []
    records = (await log.fetch({EVENTS: 0})).get(EVENTS, [])
    assert tuple(record.value for record in records) == kept
    assert all(record.timestamp_ms in {7, 8} for record in records)
    ends = await log.end_offsets(tp.topic)
    assert (await log.append([Record(*tp, b"xp|dan", row(4), 9)])).offsets == (ends[0],)
    assert await log.redis.hgetall(log.keys.snapshot(*TABLE)) | {b"xp|dan": b""} == {
        b"xp|ada": row(3), b"xp|bob": row(2), b"xp|dan": b"",
    }  # fmt: skip
    assert (await log.redis.zrange(log.keys.ranking("table", "xp/all"), 0, 1)) == [b"0|bob", b"0|ada"]
    assert await log.committed("done") == {EVENTS: 2}


async def test_records_that_a_group_has_processed_beyond_the_highwater_are_kept(log: Log) -> None:
    await foreign_entry(log)
    await log.redis.hset(log.keys.offsets("done"), "events:0", "5")
    await repair_partition(log, EVENTS)
    assert await damaged(log) == []
    assert (await log.end_offsets("events"))[0] == 5


async def test_a_value_of_another_type_is_kept_under_another_name(log: Log) -> None:
    await snapshot_replaced(log)
    done = await repair_partition(log, TABLE)
    [aside] = [key async for key in log.redis.scan_iter(f"{log.keys.prefix}damaged:*")]
    assert await log.redis.get(aside) == b"foreign"
    assert aside.decode() in done[0]


async def test_rows_that_a_repair_cannot_bring_back_are_named(log: Log, batched: bool) -> None:
    await log.redis.xtrim(log.keys.stream(*TABLE), minid="0-3", approximate=False)
    await snapshot_replaced(log)
    done = await repair_partition(log, TABLE)
    assert any(f"before offset {1 if batched else 2} are lost" in line for line in done)
    kept = {b"xp|bob": row(2)} if batched else {}
    assert await log.redis.hgetall(log.keys.snapshot(*TABLE)) == {b"xp|ada": row(3), **kept}


async def test_a_repair_is_refused_while_a_member_is_alive(log: Log) -> None:
    standing: Any = await log.run(GROUP, [log.keys.group("g")], ["join", "m", b"", 60_000, 60_000, 0])
    await log.run(GROUP, [log.keys.group("g")], ["sync", "m", standing[3], "m", b"all"])
    await log.commit(WriteBatch([], {EVENTS: 1}), fence=Fence("g", "m", standing[3]))
    await foreign_id(log)
    with pytest.raises(GroupInUseError, match=r"live members \(m\)"):
        await repair_partition(log, EVENTS)
    assert await damaged(log) == [EVENTS]
    await log.run(GROUP, [log.keys.group("g")], ["leave", "m"])
    assert await repair_partition(log, EVENTS)


async def test_records_missing_from_the_middle_are_found(log: Log, batched: bool) -> None:
    await log.redis.xdel(log.keys.stream(*EVENTS), "0-3" if batched else "0-2")
    [damages] = (await inspect_topic(log, "events")).values()
    assert [damage.kind for damage in damages] == ["missing"]


async def test_a_batch_that_cannot_be_unpacked_is_removed_and_named(log: Log, batched: bool) -> None:
    await log.redis.xadd(log.keys.stream(*EVENTS), {"n": "2", "z": "neither zstd nor MessagePack"}, id="0-6")
    await log.redis.hset(log.keys.ends("events"), "0", "6")
    [damages] = (await inspect_topic(log, "events")).values()
    assert [damage.kind for damage in damages] == ["entry"]
    assert any(
        "1 entries that the log did not write or cannot read" in line for line in await repair_partition(log, EVENTS)
    )
    [left] = (await inspect_topic(log, "events")).values()
    assert left == [Damage("missing", "2 of its last records are gone")]
    assert (await log.append([Record("events", 0, b"k", b"7", 8)])).offsets == (6,)
