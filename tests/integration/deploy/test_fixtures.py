"""The shared fixtures provide a log that works."""

from faust_redis.log import Log, Record, TopicSpec


async def test_a_record_written_through_the_fixture_can_be_read(log: Log) -> None:
    await log.create_topic(TopicSpec("t", 2))
    await log.append([Record("t", 1, b"k", b"v", 1)])
    assert await log.end_offsets("t") == {0: 0, 1: 1}
