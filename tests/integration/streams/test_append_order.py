"""Entries get append numbers that ascend over all topics of a partition number, whatever happens to topics and keys."""

from __future__ import annotations

from typing import Any

import pytest
from faust_redis import Admin
from faust_redis.log import ForeignKeyError, Log, ProducerSequence, Record, TopicPartition, TopicSpec, WriteBatch
from faust_redis.log.integrity import inspect_topic, repair_partition

A, B, TABLE = TopicPartition("a", 0), TopicPartition("b", 0), TopicPartition("table", 0)


@pytest.fixture(autouse=True)
async def topics(log: Log) -> None:
    await log.create_topic(TopicSpec("a", 2))
    await log.create_topic(TopicSpec("b", 2))
    await log.create_topic(TopicSpec("table", 2, "compact"))


def record(topic: str, value: bytes, partition: int = 0) -> Record:
    return Record(topic, partition, b"k", value, 7)


async def append(log: Log, *places: tuple[str, int]) -> None:
    for number, (topic, partition) in enumerate(places):
        await log.append([record(topic, b"%d" % number, partition)])


async def orders(log: Log, *tps: TopicPartition) -> list[list[int]]:
    found = await log.fetch(dict.fromkeys(tps, 0))
    return [[each.order for each in found.get(tp, [])] for tp in tps]


async def test_all_topics_of_a_partition_number_share_one_counter(log: Log) -> None:
    await append(log, ("a", 0), ("b", 0), ("b", 1), ("a", 0), ("a", 1))
    assert await orders(log, A, B) == [[1, 3], [2]]
    assert await orders(log, TopicPartition("a", 1), TopicPartition("b", 1)) == [[2], [1]]


async def test_each_entry_of_a_write_gets_a_number_and_the_records_of_a_batch_share_it(log: Log) -> None:
    await log.append([record("a", b"1"), record("b", b"2"), record("a", b"3")])
    await log.append([Record("a", 0, None, None, 7, (("h", b"x"),))])
    assert await orders(log, A, B) == [[1, 1, 3], [2]]


async def test_records_of_compacted_topics_have_no_append_number(log: Log) -> None:
    await append(log, ("table", 0), ("a", 0))
    assert await orders(log, A, TABLE) == [[1], [0]]


async def test_a_refused_or_repeated_write_takes_no_append_number(log: Log) -> None:
    once = ProducerSequence("p", 1, 60_000)
    for _ in range(2):
        await log.append([record("a", b"1")], write_id=once)
    await log.redis.xadd(log.keys.stream(*B), {"v": "foreign"}, id="0-1")
    with pytest.raises(Exception, match="its stream ends"):
        await log.append([record("a", b"2"), record("b", b"2")])
    await append(log, ("a", 0))
    assert await orders(log, A) == [[1, 2]]


async def test_numbers_go_on_after_a_topic_was_deleted_and_created_again(log: Log) -> None:
    await append(log, ("a", 0), ("b", 0))
    await Admin(log).delete_topic("a")
    await log.create_topic(TopicSpec("a", 2))
    await append(log, ("a", 0))
    assert await orders(log, A, B) == [[3], [2]]


async def test_numbers_go_on_after_retention_removed_records(log: Log) -> None:
    await append(log, ("a", 0), ("a", 0), ("b", 0))
    await log.redis.xtrim(log.keys.stream(*A), minid="0-2", approximate=False)
    await append(log, ("a", 0))
    assert [each.order for each in (await log.fetch({A: 1}))[A]] == [2, 4]


async def test_a_lost_counter_goes_on_after_the_last_number_of_any_topic(log: Log) -> None:
    await append(log, ("a", 0), ("b", 0), ("a", 1))
    await log.redis.delete(log.keys.order)
    assert await inspect_topic(log, "b") == {}
    await append(log, ("a", 0), ("a", 1))
    assert await orders(log, A, TopicPartition("a", 1)) == [[1, 3], [1, 2]]


@pytest.mark.parametrize("damage", ["another type", "no number"])
async def test_a_damaged_counter_refuses_writes_until_it_is_repaired(log: Log, damage: str) -> None:
    await append(log, ("a", 0), ("b", 0))
    if damage == "another type":
        await log.redis.set(log.keys.order, "foreign")
    else:
        await log.redis.hset(log.keys.order, "0", "foreign")
    before = await everything(log)
    with pytest.raises(ForeignKeyError, match="order"):
        await append(log, ("a", 0))
    assert await everything(log) == before
    assert await inspect_topic(log, "a")
    assert await repair_partition(log, A)
    assert await inspect_topic(log, "a") == {}
    await append(log, ("a", 0))
    assert await orders(log, A, B) == [[1, 3], [2]]


async def test_a_counter_that_went_back_is_found_and_repaired(log: Log) -> None:
    await append(log, ("a", 0), ("b", 0))
    await log.redis.hset(log.keys.order, "0", "1")
    assert await inspect_topic(log, "a") == {}
    assert [each.kind for each in (await inspect_topic(log, "b"))[B]] == ["order"]
    assert await repair_partition(log, B) == ["set the last append number to 2"]
    await append(log, ("a", 0))
    assert await orders(log, A) == [[1, 3]]


async def test_entries_without_a_number_and_with_an_unreadable_one(log: Log) -> None:
    await log.redis.xadd(log.keys.stream(*A), {"k": "k", "v": "1", "t": "7"}, id="0-1")
    await log.redis.hset(log.keys.ends("a"), "0", "1")
    await append(log, ("a", 0))
    assert await orders(log, A) == [[0, 1]]
    await log.redis.xadd(log.keys.stream(*B), {"k": "k", "v": "1", "t": "7", "o": "many"}, id="0-1")
    fetched = await log.fetch_each({A: 0, B: 0})
    assert (set(fetched.records), set(fetched.damaged), set(fetched.cut)) == ({A}, {B}, {B})


async def test_a_read_names_the_partitions_that_it_cut(log: Log) -> None:
    await append(log, ("a", 0), ("a", 0), ("b", 0))
    assert (await log.fetch_each({A: 0, B: 0})).cut == frozenset()
    assert (await log.fetch_each({A: 0, B: 0}, count=2)).cut == {A}
    await log.redis.set(log.keys.stream("b", 1), "foreign")
    apart = await log.fetch_each({A: 0, TopicPartition("b", 1): 0})
    assert apart.cut == {A, TopicPartition("b", 1)}


async def test_repair_keeps_the_append_numbers(log: Log) -> None:
    await log.append([record("a", b"1"), record("a", b"2")])
    await append(log, ("b", 0), ("a", 0))
    await log.redis.xadd(log.keys.stream(*A), {"x": "1"}, id="0-9")
    assert await repair_partition(log, A)
    assert await orders(log, A, B) == [[1, 1, 3], [2]]


async def everything(log: Log) -> dict[bytes, Any]:
    """Return a dump of all keys of the namespace: the broker has others, which expire."""
    return {key: await log.redis.dump(key) async for key in log.redis.scan_iter(f"{log.keys.prefix}*")}


async def test_offsets_alone_take_no_append_number(log: Log) -> None:
    await append(log, ("a", 0))
    await log.commit(WriteBatch([], {A: 1}, group="g"))
    assert await log.redis.hgetall(log.keys.order) == {b"0": b"1"}
