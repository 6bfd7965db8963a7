"""The admin client on a real server: topics, groups, offsets, lag, members and tables."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from faust_redis.admin import Admin, InvalidRequestError
from faust_redis.log import (
    Fence,
    GroupInUseError,
    Log,
    Record,
    TopicMismatchError,
    TopicPartition,
    TopicSpec,
    UnknownTopicError,
    WriteBatch,
)
from faust_redis.log.scripts import GROUP

LEASE_MS = 60_000


@pytest.fixture
def admin(log: Log) -> Admin:
    return Admin(log)


async def ask(log: Log, *args: Any, group: str = "g") -> list[Any]:
    reply: list[Any] = await log.run(GROUP, [log.keys.group(group)], args)
    return reply


async def member(
    log: Log, name: str = "m1", lease_ms: int = LEASE_MS, topics: Sequence[tuple[str, list[int]]] = ()
) -> None:
    """Create a member that leads its group and has assigned itself some partitions."""
    generation = (await ask(log, "join", name, b"", lease_ms, lease_ms, 0))[3]
    given = ConsumerProtocolMemberAssignment(0, list(topics), b"").encode()
    await ask(log, "sync", name, generation, name, given)


async def test_topics_are_described_with_the_offsets_they_hold(admin: Admin, log: Log) -> None:
    await admin.create_topic(TopicSpec("b", 1))
    await admin.create_topic(TopicSpec("a", 2, "compact", retention_ms=5))
    for n in range(3):
        await log.append([Record("a", 1, b"k", b"%d" % n, n)])
    await log.redis.xtrim(log.keys.stream("a", 1), minid="0-2", approximate=False)
    described = await admin.describe_topic("a")
    assert await admin.topics() == ["a", "b"]
    assert (described.info.spec.cleanup, described.info.spec.retention_ms) == ("compact", 5)
    assert [(p.partition, p.beginning, p.end) for p in described.partitions] == [(0, 0, 0), (1, 1, 3)]
    with pytest.raises(UnknownTopicError):
        await admin.describe_topic("c")
    with pytest.raises(TopicMismatchError):
        await admin.create_topic(TopicSpec("b", 2))


async def test_a_deleted_topic_leaves_no_key_and_no_committed_offset(admin: Admin, log: Log) -> None:
    await log.create_topic(TopicSpec("other", 1))
    await log.commit(WriteBatch([Record("other", 0, None, b"", 0)], {TopicPartition("other", 0): 1}, group="g"))
    before = {key async for key in log.redis.scan_iter(f"{log.keys.prefix}*")}
    await log.create_topic(TopicSpec("t", 2, "compact", view="rank", retention_ms=1))
    row = Record("t", 1, b"x|ada", b"\x82\xa3day\x91\x07\xa3all\x91\x09", 0)
    await log.commit(WriteBatch([row], {TopicPartition("t", 1): 1}, group="g"))
    await log.trim("t", [0, 1], 100)
    await log.acquire_read_lease("t", "feed", {1: 0}, LEASE_MS)
    assert await log.redis.zcard(log.keys.ranking("t", "x/day")) == 1
    await admin.delete_topic("t")
    assert {key async for key in log.redis.scan_iter(f"{log.keys.prefix}*")} == before
    assert await admin.committed("g") == {TopicPartition("other", 0): 1}
    with pytest.raises(UnknownTopicError):
        await admin.delete_topic("t")


async def test_no_topic_is_deleted_while_a_member_is_alive(admin: Admin, log: Log) -> None:
    await log.create_topic(TopicSpec("t", 1))
    await member(log)
    with pytest.raises(GroupInUseError, match="m1"):
        await admin.delete_topic("t")
    with pytest.raises(GroupInUseError, match="m1"):
        await admin.delete_everything()
    assert await admin.topics() == ["t"]
    await ask(log, "leave", "m1")
    await admin.delete_topic("t")
    assert await admin.topics() == []


async def test_a_group_is_described_with_its_live_members(admin: Admin, log: Log) -> None:
    await log.create_topic(TopicSpec("t", 2))
    assert (await admin.describe_group("g")).why_not_ready == "no worker is alive"
    await ask(log, "join", "m1", b"", LEASE_MS, LEASE_MS, 0)
    assert await admin.groups() == ["g"], "a group is listed from its first member on"
    assert (await admin.describe_group("g")).why_not_ready == "the group is syncing: partitions are being assigned"
    await member(log, topics=[("t", [1, 0])])
    await log.append([Record("t", 1, None, b"", 0)])
    generation = (await admin.describe_group("g")).generation
    await log.commit(WriteBatch([], {TopicPartition("t", 1): 1}), fence=Fence("g", "m1", generation))
    group = await admin.describe_group("g")
    assert (group.name, group.state, group.leader) == ("g", "stable", "m1")
    assert group.committed == {TopicPartition("t", 1): 1}
    assert group.why_not_ready == "1 of 1 workers are still recovering their tables"
    [one] = group.members
    assert one.name == "m1"
    assert 0 < one.lease_ms <= LEASE_MS
    assert one.assignment == (TopicPartition("t", 0), TopicPartition("t", 1))
    await log.groups.set_status("g", "m1", f'{{"generation":{generation},"recovered":true}}')
    assert (await admin.describe_group("g")).ready
    await log.groups.set_status("g", "m1", f'{{"generation":{generation - 1},"recovered":true}}')
    assert not (await admin.describe_group("g")).ready, "a report of an earlier generation counts for nothing"


async def test_a_member_is_gone_when_its_lease_is_over(admin: Admin, log: Log) -> None:
    await member(log, lease_ms=30)
    await asyncio.sleep(0.05)
    assert (await admin.describe_group("g")).members == ()
    assert await admin.live_members() == {}


async def test_lag_counts_unprocessed_records_also_of_topics_without_a_commit(admin: Admin, log: Log) -> None:
    for topic in ("t", "u"):
        await log.create_topic(TopicSpec(topic, 2))
    await log.append([Record("t", 1, None, b"", n) for n in range(5)] + [Record("u", 0, None, b"", 0)])
    await log.commit(WriteBatch([], {TopicPartition("t", 1): 2}, group="g"))
    assert {tp: n for tp, n in (await admin.lag("g")).items() if n} == {TopicPartition("t", 1): 3}
    with_u = await admin.lag("g", ["u", "unknown"])
    assert {tp: n for tp, n in with_u.items() if n} == {TopicPartition("t", 1): 3, TopicPartition("u", 0): 1}


async def test_offsets_of_groups_and_ends_of_topics_come_together(admin: Admin, log: Log) -> None:
    await log.create_topic(TopicSpec("t", 2))
    await log.commit(WriteBatch([Record("t", 1, None, b"", 0)], {TopicPartition("t", 1): 1}, group="g"))
    offsets, ends = await admin.committed_and_ends(["g", "h"], ["t", "unknown"])
    assert offsets == {"g": {TopicPartition("t", 1): 1}, "h": {}}
    assert ends == {"t": {1: 1}, "unknown": {}}
    assert await admin.committed_and_ends([], []) == ({}, {})


@pytest.mark.parametrize(("to", "offset"), [("earliest", 1), ("latest", 3), (2, 2), ("2", 2)])
async def test_offsets_are_reset_to_an_end_or_a_number(admin: Admin, log: Log, to: int | str, offset: int) -> None:
    await log.create_topic(TopicSpec("t", 2))
    for n in range(3):
        await log.append([Record("t", 1, None, b"", n)])
    await log.redis.xtrim(log.keys.stream("t", 1), minid="0-2", approximate=False)
    assert await admin.reset_offsets("g", "t", to, partition=1) == {TopicPartition("t", 1): offset}
    assert await admin.committed("g") == {TopicPartition("t", 1): offset}


async def test_a_wrong_reset_names_what_it_takes_and_changes_nothing(admin: Admin, log: Log) -> None:
    await log.create_topic(TopicSpec("t", 2))
    for to, partition, says in (("soon", 0, "earliest, latest"), (1, 0, "from 0 to 0"), ("latest", 2, "not 2")):
        with pytest.raises(InvalidRequestError, match=says):
            await admin.reset_offsets("g", "t", to, partition)
    with pytest.raises(InvalidRequestError, match="no group 'g'; there are: none"):
        await admin.forget_group("g")
    assert await admin.groups() == []


async def test_tables_are_listed_and_read_by_key(admin: Admin, log: Log) -> None:
    await log.create_topic(TopicSpec("app-counts-changelog", 2, "compact"))
    await log.create_topic(TopicSpec("clicks", 2))
    rows = [(0, b"ada", b"1"), (1, b"ada", b"2"), (1, b"bob", b"3"), (1, b"cy", b"4"), (1, b"cy", None)]
    await log.append([Record("app-counts-changelog", p, key, value, 0) for p, key, value in rows])
    [table] = await admin.tables()
    assert (table.name, table.changelog, table.rows) == ("app-counts", "app-counts-changelog", 3)
    assert await admin.values("app-counts-changelog", b"ada") == [b"1", b"2"]
    assert await admin.values("app-counts-changelog", b"cy") == []


async def test_everything_of_one_namespace_is_deleted(admin: Admin, log: Log) -> None:
    async with Admin.connect(f"{log.url}?namespace={log.keys.namespace}-too") as other:
        await other.create_topic(TopicSpec("kept", 1))
        await admin.create_topic(TopicSpec("t", 1))
        assert await admin.delete_everything() == 2
        assert (await admin.topics(), await other.topics()) == ([], ["kept"])
