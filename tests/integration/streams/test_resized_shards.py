"""Shards have different numbers of partitions: one was restored to a state before a resize, or is resized later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from faust_redis.log import (
    Log,
    ProducerSequence,
    Record,
    ResizedError,
    ResizingError,
    RolledBackError,
    Rows,
    Shard,
    TopicPartition,
    TopicSpec,
    WriteBatch,
)
from faust_redis.log.forwarding import Forwarder
from faust_redis.log.partitioner import partition_for
from faust_redis.log.scripts import RESIZE
from faust_redis.log.sharded import open_log
from faust_redis.resizing import ByKey, CannotResizeError, Resize, in_progress

from tests.integration.streams.sharding import Dump, dump, restore

SHARDS, OLD, NEW = 2, 2, 8
EVENTS, TABLE, GROUP = "events", "counts-changelog", "g"
KEYS = [b"k%d" % number for number in range(40)]
FAR = [key for key in KEYS if partition_for(key, OLD) == 1]
"""The keys of shard 1."""


@pytest.fixture
async def log(broker_url: str, namespace: str) -> AsyncIterator[Log]:
    async with open_log(",".join([broker_url] * SHARDS), namespace) as log:
        for spec in (TopicSpec(EVENTS, OLD), TopicSpec(TABLE, OLD, "compact")):
            await log.create_topic(spec)
        yield log


@pytest.fixture
async def members(broker_url: str, namespace: str, log: Log) -> AsyncIterator[list[Log]]:
    """Return a client of each shard, whose writes to the other shard go by transit topics."""
    del log
    async with AsyncExitStack() as stack:
        made = [Log(broker_url, namespace, shard=Shard(number, SHARDS), transit=GROUP) for number in range(SHARDS)]
        yield [await stack.enter_async_context(one) for one in made]


def forwarder(members: list[Log], source: int) -> Forwarder:
    return Forwarder(members[source], members[1 - source], GROUP, 1 - source)


def resize(log: Log) -> Resize:
    return Resize(log, [EVENTS, TABLE], {}, ByKey())


async def send(member: Log, keys: list[bytes]) -> None:
    count = (await member.topic(EVENTS)).spec.partitions
    await member.append([Record(EVENTS, partition_for(key, count), key, b"v", 1) for key in keys])


async def arrived(member: Log) -> dict[bytes, list[int]]:
    """Return the partitions of the events of each key on a shard."""
    found: dict[bytes, list[int]] = {}
    for p in member.shard.partitions(NEW):
        for one in (await member.fetch({TopicPartition(EVENTS, p): 0}, count=10_000)).get(
            TopicPartition(EVENTS, p), []
        ):
            found.setdefault(one.key or b"", []).append(p)
    return found


async def places(log: Log) -> dict[bytes, list[int]]:
    """Return the partitions in which each row is."""
    found: dict[bytes, list[int]] = {}
    for p in range(NEW):
        async for rows in log.rows(TopicPartition(TABLE, p)):
            for key, _ in rows:
                found.setdefault(key, []).append(p)
    return found


async def write_rows(members: list[Log]) -> None:
    for member in members:
        own = [(key, b"1") for key in KEYS if member.shard.holds(partition_for(key, OLD))]
        await member.commit(WriteBatch(rows=[Rows(TABLE, member.shard.number, own, 1)]))


async def test_records_for_a_shard_with_other_partitions_arrive_where_their_keys_are(
    log: Log, members: list[Log]
) -> None:
    near, far = members
    before: Dump = await dump(far)
    await send(near, FAR)  # counted 2
    await resize_without_waiting(log)
    await forwarder(members, 0).step()
    assert await arrived(far) == {key: [partition_for(key, NEW)] for key in FAR}, "more than were counted"
    await near.topic(EVENTS, fresh=True)
    await send(near, FAR)  # counted 8
    await restore(far, before)
    await far.topic(EVENTS, fresh=True)
    await forwarder(members, 0).step()
    assert await arrived(far) == {key: [partition_for(key, OLD)] * 2 for key in FAR}, "fewer than were counted"


async def resize_without_waiting(log: Log) -> None:
    """Give topics without rows more partitions, whatever is on its way."""
    for shard in log.shards:
        keys, name = shard.keys, "one"
        wanted = b'{"from":%d,"to":%d,"topics":["%s","%s"]}' % (OLD, NEW, EVENTS.encode(), TABLE.encode())
        steps: list[list[Any]] = [["begin", name, wanted], ["seal", name, "{}", b""], ["finish", name, "mover", 1]]
        await shard.commit(WriteBatch(resize=name), write_id=ProducerSequence("mover", 1, 60_000))
        for step in steps:
            assert await shard.run(RESIZE, [keys.resize], [keys.prefix, *step]) == [b"OK"]


async def test_a_record_that_was_sent_to_another_partition_than_its_key_has_stays_there(
    log: Log, members: list[Log]
) -> None:
    key = next(key for key in KEYS if partition_for(key, OLD) == 0)
    await members[0].append([Record(EVENTS, 1, key, b"v", 1)])
    await resize_without_waiting(log)
    await forwarder(members, 0).step()
    assert await arrived(members[1]) == {key: [1]}


async def test_what_goes_to_another_shard_is_refused_like_what_stays(log: Log, members: list[Log]) -> None:
    near = members[0]
    await near.topic(EVENTS)
    keys, wanted = near.keys, b'{"from":2,"to":8,"topics":["events"]}'
    assert await near.run(RESIZE, [keys.resize], [keys.prefix, "begin", "one", wanted]) == [b"OK"]
    with pytest.raises(ResizingError):
        await send(near, FAR[:1])
    assert await near.run(RESIZE, [keys.resize], [keys.prefix, "cancel", "one"]) == [b"OK"]
    await resize_without_waiting(log)
    with pytest.raises(ResizedError, match="has 8 partitions now, and this writer knew 2"):
        await send(near, FAR[:1])


async def test_a_shard_that_was_restored_to_a_state_before_a_resize_is_resized_again_alone(
    log: Log, members: list[Log]
) -> None:
    await write_rows(members)
    before = await dump(members[1])
    await resize(log).run(NEW)
    after = await dump(members[0])
    await restore(members[1], before)
    assert (await log.topic(EVENTS, fresh=True)).moving, "clients wait"
    await resize(log).run(NEW)
    assert await places(log) == {key: [partition_for(key, NEW)] for key in KEYS}
    assert not (await log.topic(EVENTS, fresh=True)).moving
    assert await dump(members[0]) == after


class Interrupted(BaseException):
    """The command ends."""


@pytest.mark.parametrize("step", ["_seal", "_move", "_finish"])
async def test_a_shard_that_was_restored_to_a_state_within_a_resize_finishes_it(
    log: Log, members: list[Log], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await write_rows(members)

    async def end(*_: Any) -> None:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(Resize, step, end)
        patch.setattr(Resize, "_open", end)
        with pytest.raises(Interrupted):
            await resize(log).run(NEW)
    within = await dump(members[1])
    await resize(log).run(NEW)
    await restore(members[1], within)
    assert await in_progress(members[1]) is not None
    await resize(log).run(NEW)
    assert await places(log) == {key: [partition_for(key, NEW)] for key in KEYS}


@pytest.mark.parametrize("before", ["write", "finish"])
async def test_a_shard_that_is_restored_while_its_rows_move_is_not_opened_before_they_have(
    log: Log, members: list[Log], before: str
) -> None:
    """The shard goes back to the moment before its rows moved, just before the last write, or before the end."""
    await write_rows(members)

    class Overtaken(Resize):
        sealed: Dump | None = None

        async def _step(self, shard: Log, step: str, name: str, *args: Any) -> None:
            if step == "finish" and before == "finish":
                await self.go_back(shard)
            await super()._step(shard, step, name, *args)
            if step == "seal" and shard.shard.number == 1:
                self.sealed = await dump(members[1])

        async def _write(self, chain: Any, writes: Any) -> None:
            if before == "write" and writes and chain.shard.shard.number == 1:
                await self.go_back(chain.shard)
            await super()._write(chain, writes)

        async def go_back(self, shard: Log) -> None:
            if shard.shard.number == 1 and self.sealed is not None:
                await restore(members[1], self.sealed)
                self.sealed = None

    with pytest.raises((CannotResizeError, RolledBackError), match="restored to an earlier state"):
        await Overtaken(log, [EVENTS, TABLE], {}, ByKey()).run(NEW)
    assert (await members[1].topic(EVENTS, fresh=True)).spec.partitions == OLD
    await resize(log).run(NEW)
    assert await places(log) == {key: [partition_for(key, NEW)] for key in KEYS}


async def test_shards_that_are_in_different_resizes_are_finished(
    log: Log, members: list[Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shard 1 is restored to a resize that was cancelled, while shard 0 moves the rows of the next one."""
    await write_rows(members)

    async def end(*_: Any) -> None:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(Resize, "_open", end)
        patch.setattr(Resize, "_seal", end)
        with pytest.raises(Interrupted):
            await resize(log).run(NEW)
    within = await dump(members[1])
    await resize(log).cancel()
    with monkeypatch.context() as patch:
        patch.setattr(Resize, "_finish", end)
        with pytest.raises(Interrupted):
            await resize(log).run(NEW)
    await restore(members[1], within)
    with pytest.raises(CannotResizeError, match="rows have been moved"):
        await resize(log).cancel()
    await resize(log).run(NEW)
    assert await places(log) == {key: [partition_for(key, NEW)] for key in KEYS}


async def test_moved_rows_name_their_write_so_that_local_rows_of_another_branch_are_not_trusted(
    log: Log, members: list[Log]
) -> None:
    await write_rows(members)
    await resize(log).run(NEW)
    children = {TopicPartition(TABLE, p): 0 for p in range(OLD, NEW)}
    writers = {one.writer for records in (await log.fetch(children)).values() for one in records}
    assert len(writers) > 1
    assert b"" not in writers
