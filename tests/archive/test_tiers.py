"""Readers by offset get the same records, whether the log still holds them or its archive."""

from __future__ import annotations

import asyncio
from pathlib import Path

from faust_redis.log import Log, TopicPartition

from api.kit.feeds.feed_offset import name
from tests.archive.world import BOTH, SPEC, TOPIC, archive_all, archiver, fill, plain, read_all, tiered, trim


async def test_a_reader_from_the_first_offset_sees_every_record_once(log: Log, tmp_path: Path) -> None:
    await log.create_topic(SPEC)
    await fill(log, 500)
    await archive_all(archiver(log, tmp_path))
    await fill(log, 300, 500)
    await archive_all(archiver(log, tmp_path))
    await fill(log, 50, 800)
    whole = {tp: plain(await read_all(log, tp)) for tp in BOTH}
    assert [len(records) for records in whole.values()] == [850, 850]
    await trim(log, 800)
    async with tiered(log, tmp_path) as both:
        assert await both.beginning_offsets(TOPIC) == {0: 0, 1: 0}
        assert {tp: plain(await read_all(both, tp)) for tp in BOTH} == whole


async def test_several_partitions_in_one_fetch_come_from_the_tier_that_has_them(log: Log, tmp_path: Path) -> None:
    await log.create_topic(SPEC)
    await fill(log, 400)
    await archive_all(archiver(log, tmp_path))
    await trim(log)
    async with tiered(log, tmp_path) as both:
        for _ in range(2):
            fetched = await both.fetch_each({BOTH[0]: 3, BOTH[1]: 399}, count=20)
            assert [one.offset for one in fetched.records[BOTH[0]]] == list(range(3, 23))
            assert [one.offset for one in fetched.records[BOTH[1]]] == [399]
            assert BOTH[0] in fetched.cut


async def test_single_records_and_the_last_ones_come_from_both_tiers(log: Log, tmp_path: Path) -> None:
    await log.create_topic(SPEC)
    await fill(log, 400)
    expected = plain(await read_all(log, BOTH[0]))
    await archive_all(archiver(log, tmp_path))
    await trim(log)
    async with tiered(log, tmp_path) as both:
        assert plain(await both.tail(BOTH[0], 390)) == expected[10:]
        assert plain(await both.tail(BOTH[0], 1_000)) == expected
        found = await both.at({BOTH[0]: 17, BOTH[1]: 400})
        assert found[BOTH[1]] is None
        assert plain([one for one in found.values() if one is not None]) == expected[17:18]


async def test_records_that_the_archive_lacks_are_not_trimmed(log: Log, tmp_path: Path) -> None:
    await log.create_topic(SPEC)
    await fill(log, 300)
    await archive_all(archiver(log, tmp_path))
    await fill(log, 300, 300)
    for _ in range(8):
        await log.trim(TOPIC, [0, 1], 100_000)
        await asyncio.sleep(0.02)
    begins = await log.beginning_offsets(TOPIC)
    assert all(200 < begin <= 300 for begin in begins.values())


async def test_a_topic_that_was_never_archived_keeps_all_records(log: Log) -> None:
    await log.create_topic(SPEC)
    await fill(log, 300)
    for _ in range(8):
        await log.trim(TOPIC, [0, 1], 100_000)
        await asyncio.sleep(0.02)
    assert await log.beginning_offsets(TOPIC) == {0: 0, 1: 0}


async def test_a_topic_without_an_archive_is_read_as_before(log: Log, tmp_path: Path) -> None:
    await log.create_topic(SPEC.__class__(TOPIC, 2, retention_ms=40))
    await fill(log, 300)
    await trim(log)
    async with tiered(log, tmp_path) as both:
        begin = (await both.beginning_offsets(TOPIC))[0]
        assert begin == (await log.beginning_offsets(TOPIC))[0]
        found = await both.fetch({TopicPartition(TOPIC, 0): 0})
        assert found[BOTH[0]][0].offset == begin


async def test_a_feed_recognises_its_place_in_either_tier(log: Log, tmp_path: Path) -> None:
    await log.create_topic(SPEC)
    await fill(log, 300)
    before = name({BOTH[0]: (await log.fetch({BOTH[0]: 17}, count=1))[BOTH[0]][0]})
    await archive_all(archiver(log, tmp_path))
    await trim(log)
    async with tiered(log, tmp_path) as both:
        assert name({BOTH[0]: (await both.fetch({BOTH[0]: 17}, count=1))[BOTH[0]][0]}) == before
