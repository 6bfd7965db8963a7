"""Several writes sent at once: each has the outcome that it would have alone."""

from __future__ import annotations

import pytest
from faust_redis.log import (
    Appended,
    IdempotencyConflictError,
    IdempotencyKey,
    IncarnationError,
    Log,
    LogError,
    Record,
    TopicPartition,
    TopicSpec,
    UnknownTopicError,
)
from faust_redis.log.append_many import Write, append_many
from faust_redis.log.sharded import open_log

TTL_MS = 60_000
TOPIC = TopicSpec("orders", 2)


def write(name: str, *values: str, partition: int = 0, body: str = "b") -> Write:
    records = [Record(TOPIC.name, partition, b"k", value.encode(), 1) for value in values]
    return Write(records, IdempotencyKey(name, body, TTL_MS))


async def values(log: Log, partition: int = 0) -> list[str]:
    found = await log.fetch({TopicPartition(TOPIC.name, partition): 0})
    return [record.value.decode() for records in found.values() for record in records if record.value is not None]


async def test_each_write_gets_its_own_offsets_in_order(log: Log) -> None:
    await log.create_topic(TOPIC)
    done = await append_many(log, [write("a", "1", "2"), write("b", "3", partition=1), write("c", "4")])
    assert done == [Appended((0, 1), again=False), Appended((0,), again=False), Appended((2,), again=False)]
    assert await values(log) == ["1", "2", "4"]
    assert await values(log, 1) == ["3"]


async def test_a_repeat_or_a_conflict_affects_no_other_write(log: Log) -> None:
    await log.create_topic(TOPIC)
    await append_many(log, [write("a", "1")])
    again, conflict, fresh = await append_many(log, [write("a", "1"), write("a", "9", body="other"), write("b", "2")])
    assert again == Appended((0,), again=True, counted=2)
    assert isinstance(conflict, IdempotencyConflictError)
    assert fresh == Appended((1,), again=False)
    assert await values(log) == ["1", "2"]


async def test_a_server_that_does_not_know_the_script_gets_it(log: Log) -> None:
    await log.create_topic(TOPIC)
    await log.redis.script_flush()
    done = await append_many(log, [write("a", "1"), write("a", "1"), write("b", "2")])
    assert [one.again for one in done if isinstance(one, Appended)] == [False, True, False]
    assert await values(log) == ["1", "2"]


@pytest.mark.parametrize("knows_the_script", [True, False])
async def test_every_write_learns_that_its_topic_was_recreated_and_the_next_one_works(
    log: Log, knows_the_script: bool
) -> None:
    await log.create_topic(TOPIC)
    await log.append([Record(TOPIC.name, 1, b"k", b"0", 1)])
    if not knows_the_script:
        await log.redis.script_flush()
    await log.redis.delete(log.keys.topic(TOPIC.name))
    async with Log(log.url, log.keys.namespace) as other:
        await other.create_topic(TOPIC)
    done = await append_many(log, [write("a", "1"), write("b", "2")])
    assert all(isinstance(one, IncarnationError) for one in done)
    assert [type(one) for one in await append_many(log, [write("a", "1"), write("b", "2")])] == [Appended, Appended]


async def test_every_write_learns_that_its_topic_is_gone(log: Log) -> None:
    await log.create_topic(TOPIC)
    await log.redis.delete(log.keys.topic(TOPIC.name))
    done = await append_many(log, [write("a", "1"), write("b", "2")])
    assert all(isinstance(one, LogError) for one in done)
    with pytest.raises(UnknownTopicError):
        await append_many(log, [write("a", "1")])


async def test_an_error_of_a_write_to_several_shards_is_its_own(broker_url: str, namespace: str) -> None:
    async with open_log(f"{broker_url},{broker_url}", namespace) as log:
        await log.create_topic(TopicSpec("t", 2))

        def both(key: str, digest: str) -> Write:
            return Write([Record("t", p, b"k", b"v", 1) for p in range(2)], IdempotencyKey(key, digest, 60_000))

        await append_many(log, [both("a", "d")])
        first, conflict, third = await append_many(log, [both("b", "d"), both("a", "other"), both("c", "d")])
        assert isinstance(conflict, IdempotencyConflictError)
        assert isinstance(first, Appended)
        assert isinstance(third, Appended)
        assert third.offsets == (2, 2)
