"""Looks at the past reach through the archive: rows as of a position, and events of several topics in append order."""

from __future__ import annotations

from pathlib import Path

from faust_redis.archive import TieredLog
from faust_redis.log import Log, Position, Record, TopicPartition, TopicSpec

from deploy.lineage import in_append_order
from tables.history import rows_at
from tests.archive.world import archive_all, archiver

COUNT = 60


async def test_a_row_at_each_position_of_a_trimmed_changelog_is_known(log: Log, tmp_path: Path) -> None:
    spec = TopicSpec("totals-changelog", 1, "compact", retention_ms=40, archived=True)
    info = await log.create_topic(spec)
    for number in range(COUNT):
        row = None if number % 7 == 3 else b"row %d" % number
        await log.append([Record(spec.name, 0, b"k%d" % (number % 4), row, 0)])
    await archive_all(archiver(log, tmp_path))
    await log.redis.xtrim(log.keys.stream(spec.name, 0), minid=f"0-{COUNT}", approximate=False)
    folded: dict[bytes, bytes | None] = {}
    keys = [b"k%d" % number for number in range(5)]
    async with TieredLog(log.url, log.keys.namespace, archive=str(tmp_path), compacted=True) as both:
        for number in range(COUNT):
            position = Position(spec.name, info.incarnation, {0: number})
            assert await rows_at(both, position, 0, keys) == [folded.get(key) for key in keys], number
            folded[b"k%d" % (number % 4)] = None if number % 7 == 3 else b"row %d" % number


async def test_events_of_trimmed_topics_come_in_the_order_of_their_appending(log: Log, tmp_path: Path) -> None:
    topics = ("first", "second")
    for topic in topics:
        await log.create_topic(TopicSpec(topic, 1, retention_ms=40, archived=True))
    for number in range(COUNT):
        await log.append([Record(topics[number % 2], 0, None, b"%d" % number, 0)])
    await archive_all(archiver(log, tmp_path))
    for topic in topics:
        await log.redis.xtrim(log.keys.stream(topic, 0), minid=f"0-{COUNT // 2}", approximate=False)
    ends = {TopicPartition(topic, 0): COUNT // 2 for topic in topics}
    async with TieredLog(log.url, log.keys.namespace, archive=str(tmp_path)) as both:
        values = [int(record.value or b"") async for _, record in in_append_order(both, ends)]
    assert values == list(range(COUNT))
