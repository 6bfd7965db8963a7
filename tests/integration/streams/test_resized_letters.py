"""A dead letter from before a resize is replayed where the rows of its key are now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from faust_redis.dead_letters import DeadLetter, DeadLetters, topic_spec
from faust_redis.log import Log, Record, TopicPartition, TopicSpec
from faust_redis.log.partitioner import partition_for
from faust_redis.log.sharded import open_log
from faust_redis.resizing import ByKey, Resize

OLD, NEW = 4, 32
LETTERS = "letters"
KEY = next(b"%d" % n for n in range(1_000) if partition_for(b"%d" % n, OLD) != partition_for(b"%d" % n, NEW))
WAS, IS = partition_for(KEY, OLD), partition_for(KEY, NEW)


@pytest.fixture(params=[1, 2], ids=["one broker", "two shards"])
async def log(request: pytest.FixtureRequest, broker_url: str, namespace: str) -> AsyncIterator[Log]:
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(open_log(",".join([broker_url] * request.param), namespace))
        for spec in (TopicSpec("t", OLD), topic_spec(LETTERS, OLD)):
            await log.create_topic(spec)
        yield log


async def dead(log: Log, partition: int, key: bytes | None) -> DeadLetter:
    letter = DeadLetter("g", "t", partition, 0, key, b"v", 1, (), "ValueError: no", 1, "agent")
    await log.append([Record(LETTERS, partition, letter.id.encode(), letter.encode(), 1)])
    return letter


async def resize(log: Log) -> None:
    stays = ByKey(lambda _topic, _key, _value: None)
    await Resize(log, ["t", LETTERS], {}, stays).run(NEW)


async def ends(log: Log) -> dict[int, int]:
    return {p: end for p, end in (await log.end_offsets("t")).items() if end}


async def test_a_letter_is_replayed_in_the_partition_to_which_its_key_moved(log: Log) -> None:
    letter = await dead(log, WAS, KEY)
    await resize(log)
    assert await DeadLetters(log, LETTERS).replay(letter) == 0
    [record] = (await log.fetch({TopicPartition("t", IS): 0}))[TopicPartition("t", IS)]
    assert (record.key, record.value) == (KEY, b"v")
    assert await ends(log) == {IS: 1}
    assert await DeadLetters(log, LETTERS).all() == []


@pytest.mark.parametrize("key", [None, KEY], ids=["no key", "a partition that is not its key's"])
async def test_a_letter_of_a_message_that_its_key_did_not_place_stays_in_its_partition(
    log: Log, key: bytes | None
) -> None:
    chosen = (WAS + 1) % OLD
    letter = await dead(log, chosen, key)
    await resize(log)
    await DeadLetters(log, LETTERS).replay(letter)
    assert await ends(log) == {chosen: 1}
