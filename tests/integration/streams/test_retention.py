"""Trimming removes records past their retention, except those that a group or live reader needs, and the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from faust_redis.log import Fence, Log, Record, TopicPartition, TopicSpec, WriteBatch
from faust_redis.log.record_batches import BATCH_RECORDS_MAX
from faust_redis.log.scripts import GROUP
from faust_redis.log.trimming import trim_all

TOPIC, GROUP_NAME, MEMBER = "events", "readers", "m1"
RECORDS = 1_000
SHORT_MS, LONG_MS = 100, 3_600_000
AT_ONCE = 100_000
DEADLINE_S = 20.0


async def fill(log: Log, retention_ms: int, cleanup: Any = "delete", *, singly: bool = False) -> None:
    await log.create_topic(TopicSpec(TOPIC, 1, cleanup, retention_ms=retention_ms))
    records = [Record(TOPIC, 0, b"%d" % (i % 10), b"%d" % i, 0) for i in range(RECORDS)]
    for part in ([record] for record in records) if singly else [records]:
        await log.append(part)


async def trim(log: Log) -> int:
    return await log.trim(TOPIC, [0], AT_ONCE)


async def until(condition: Callable[[], Any]) -> None:
    end = asyncio.get_running_loop().time() + DEADLINE_S
    while not await condition():
        assert asyncio.get_running_loop().time() < end, "not true in time"
        await asyncio.sleep(0.02)


async def start(log: Log) -> int:
    return (await log.beginning_offsets(TOPIC))[0]


async def trimmed_to(log: Log, at_least: int) -> None:
    """Trim repeatedly until the partition begins at an offset, or within the batch that holds it."""

    async def done() -> bool:
        await trim(log)
        return await start(log) > at_least - BATCH_RECORDS_MAX

    await until(done)


async def join(log: Log) -> Fence:
    await log.run(GROUP, [log.keys.group(GROUP_NAME)], ["join", MEMBER, b"", 60_000, 60_000, 0])

    async def formed() -> bool:
        standing = await log.run(GROUP, [log.keys.group(GROUP_NAME)], ["heartbeat", MEMBER])
        return bool(standing[3] > 0)

    await until(formed)
    standing = await log.run(GROUP, [log.keys.group(GROUP_NAME)], ["heartbeat", MEMBER])
    return Fence(GROUP_NAME, MEMBER, int(standing[3]))


@pytest.mark.parametrize("singly", [True, False])
async def test_records_past_their_retention_go_and_the_last_one_stays(log: Log, singly: bool) -> None:
    await fill(log, SHORT_MS, singly=singly)
    await trimmed_to(log, RECORDS - 1)
    while await trim(log):
        pass
    assert RECORDS - (1 if singly else BATCH_RECORDS_MAX) <= await start(log) <= RECORDS - 1
    assert (await log.end_offsets(TOPIC))[0] == RECORDS
    await log.append([Record(TOPIC, 0, b"k", b"next", 0)])
    [record] = await log.tail(TopicPartition(TOPIC, 0), 1)
    assert (record.offset, record.value) == (RECORDS, b"next")


async def test_records_within_their_retention_stay(log: Log) -> None:
    await fill(log, LONG_MS)
    assert await trim(log) == 0
    assert await start(log) == 0


async def test_a_topic_without_retention_keeps_everything(log: Log) -> None:
    await fill(log, 0)
    assert [await trim(log) for _ in range(3)] == [0, 0, 0]
    assert await log.redis.exists(f"{log.keys.prefix}marks:{TOPIC}:0") == 0


async def test_records_that_a_group_has_yet_to_process_are_not_trimmed(log: Log) -> None:
    await fill(log, SHORT_MS)
    fence = await join(log)
    await log.commit(WriteBatch([], {TopicPartition(TOPIC, 0): 500}), fence=fence)
    await trimmed_to(log, 500)
    for _ in range(3):
        await trim(log)
    assert await start(log) <= 500
    await log.commit(WriteBatch([], {TopicPartition(TOPIC, 0): RECORDS}), fence=fence)
    await trimmed_to(log, RECORDS - 1)


async def test_records_that_a_live_reader_has_yet_to_read_are_not_trimmed_while_its_lease_lasts(log: Log) -> None:
    await fill(log, SHORT_MS)
    await log.acquire_read_lease(TOPIC, "feed", {0: 400}, lease_ms=60_000)
    await trimmed_to(log, 400)
    for _ in range(3):
        await trim(log)
    assert await start(log) <= 400
    await log.acquire_read_lease(TOPIC, "feed", {0: 400}, lease_ms=1)
    await trimmed_to(log, RECORDS - 1)
    assert await log.redis.exists(log.keys.readers(TOPIC)) == 0


async def test_a_snapshot_outlives_the_records_it_was_made_of(log: Log) -> None:
    await fill(log, SHORT_MS, "compact")
    await trimmed_to(log, RECORDS - 1)
    rows = [row async for some in log.rows(TopicPartition(TOPIC, 0)) for row in some]
    assert dict(rows) == {b"%d" % i: b"%d" % (RECORDS - 10 + i) for i in range(10)}


async def test_the_last_declared_retention_holds(log: Log) -> None:
    await fill(log, 0)
    await log.create_topic(TopicSpec(TOPIC, 1, retention_ms=SHORT_MS))
    await trimmed_to(log, RECORDS - 1)


async def test_retention_marks_of_the_past_do_not_accumulate(log: Log) -> None:
    await fill(log, SHORT_MS)
    await trimmed_to(log, RECORDS - 1)
    for _ in range(200):
        await log.append([Record(TOPIC, 0, b"k", b"v", 0)])
        await trim(log)
    assert await log.redis.llen(f"{log.keys.prefix}marks:{TOPIC}:0") <= 20


async def test_all_topics_are_trimmed_and_a_call_removes_no_more_than_asked(log: Log) -> None:
    await fill(log, SHORT_MS, singly=True)

    async def due() -> bool:
        return bool(await log.trim(TOPIC, [0], 200))

    await until(due)
    assert 0 < await start(log) <= 200
    await trim_all(log)
    assert await start(log) > RECORDS - BATCH_RECORDS_MAX


@pytest.mark.parametrize("cleanup", ["delete", "compact"])
async def test_a_retried_trim_changes_nothing(log: Log, cleanup: Any) -> None:
    await fill(log, SHORT_MS, cleanup)
    await trimmed_to(log, RECORDS - 1)
    before = await start(log)
    assert await trim(log) == 0
    assert await start(log) == before


async def test_a_stream_of_another_type_does_not_stop_the_trimming_of_other_partitions(log: Log) -> None:
    await log.create_topic(TopicSpec(TOPIC, 2, retention_ms=SHORT_MS))
    await log.append([Record(TOPIC, p, b"k", b"%d" % i, 0) for i in range(RECORDS) for p in (0, 1)])
    await log.redis.set(log.keys.stream(TOPIC, 0), "foreign")

    async def trimmed() -> bool:
        await trim_all(log)
        return (await log.beginning_offsets(TOPIC))[1] > RECORDS - BATCH_RECORDS_MAX

    await until(trimmed)


async def test_a_call_removes_about_as_many_entries_as_asked_although_nodes_do_not_divide_it(log: Log) -> None:
    """Redis stops before a node that would exceed the limit; the rest must not go at once."""
    await fill(log, SHORT_MS, singly=True)

    async def due() -> bool:
        return bool(await log.trim(TOPIC, [0], 150))

    await until(due)
    assert 0 < await start(log) <= 150
