"""The number of partitions changes under load: no record is lost or doubled, and each row is where its key belongs."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import msgpack
import pytest
from faust_redis.log import (
    Fence,
    FencedError,
    Log,
    LogUnavailableError,
    Record,
    ResizedError,
    ResizingError,
    Rows,
    Shard,
    TopicPartition,
    TopicSpec,
    WriteBatch,
)
from faust_redis.log.partitioner import partition_for
from faust_redis.log.sharded import open_log
from faust_redis.log.shards import WHOLE
from faust_redis.resizing import ByKey, CannotResizeError, NotReadyError, Resize, Split, finished, in_progress

EVENTS, TABLE, GROUP = "events", "counts-changelog", "counters"
OLD, NEW = 4, 8
SPECS = (TopicSpec(EVENTS, OLD), TopicSpec(TABLE, OLD, "compact", "rank"))
KEYS = [f"user-{number}" for number in range(40)]
SHARDS = 2


class Killed(BaseException):
    """The process of the resize ends."""


class Mortal(Log):
    """A client that can be killed at any of its calls: before the broker has it, or after."""

    lives = 1_000_000
    after = False

    async def _call(self, awaitable: Any) -> Any:
        Mortal.lives -= 1
        if Mortal.lives < 0 and not Mortal.after:
            awaitable.close() if hasattr(awaitable, "close") else None
            raise Killed
        reply = await super()._call(awaitable)
        if Mortal.lives < 0:
            raise Killed
        return reply


@pytest.fixture(autouse=True)
def immortal() -> None:
    Mortal.lives, Mortal.after = 1_000_000, False


@pytest.fixture
async def log(broker_url: str, namespace: str) -> AsyncIterator[Log]:
    async with Mortal(broker_url, namespace) as log:
        for spec in SPECS:
            await log.create_topic(spec)
        yield log


class Counting:
    """A member of the group. It counts events by key in the ranked table, exactly once, until its generation ends."""

    def __init__(self, url: str, namespace: str, shard: Shard = WHOLE) -> None:
        self._log = Log(url, namespace, shard=shard)
        self.ended: list[str] = []

    async def run(self) -> None:
        """Count; join again when this is not a member any more, as a worker that is started again does."""
        async with self._log as log:
            for number in itertools.count():
                try:
                    await self._live(log, f"member-{number}")
                except (FencedError, ResizedError) as exc:
                    self.ended.append(type(exc).__name__)
                    await log.groups.leave(GROUP, f"member-{number}")

    async def _live(self, log: Log, member: str) -> None:
        state = await log.groups.join(GROUP, member, b"", lease_ms=10_000, rebalance_ms=10_000, settle_ms=0)
        while state.state == "preparing":
            state = await log.groups.heartbeat(GROUP, member)
        fence = Fence(GROUP, member, state.generation)
        await log.groups.sync(GROUP, member, state.generation, {member: b"all"})
        info = await log.topic(EVENTS, fresh=True)
        done = await log.committed(GROUP)
        at = {TopicPartition(EVENTS, p): done.get(TopicPartition(EVENTS, p), 0) for p in log.partitions_of(info)}
        while True:
            for tp, records in (await log.fetch(at, count=50, block_ms=5)).items():
                at[tp] = records[-1].offset + 1
                await self._count(log, fence, tp, [one.key or b"" for one in records], at[tp])
            if not (await log.groups.heartbeat(GROUP, member)).known:
                raise FencedError("not a member any more")

    @staticmethod
    async def _count(log: Log, fence: Fence, tp: TopicPartition, keys: Sequence[bytes], end: int) -> None:
        place = TopicPartition(TABLE, tp.partition)
        known = await counts_of(log, place)
        counted = Counter(keys)
        rows = [(row_key(key), msgpack.packb({"all": [known.get(key, 0) + n]})) for key, n in counted.items()]
        await log.commit(WriteBatch(offsets={tp: end}, rows=[Rows(*place, rows, 1)]), fence=fence)


def row_key(key: bytes) -> bytes:
    return b"board|" + key


def owner(_topic: str, key: bytes, _value: bytes) -> bytes:
    return key.partition(b"|")[2]


async def counts_of(log: Log, place: TopicPartition) -> dict[bytes, int]:
    found = [row async for rows in log.rows(place) for row in rows]
    return {owner("", key, value): msgpack.unpackb(value)["all"][0] for key, value in found}


class Producing:
    """Appends events of random keys until it is stopped, each with a number that ascends for its key."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.sent: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._stops = False
        self._ended = asyncio.Event()

    async def run(self) -> None:
        for number in itertools.count():
            if self._stops:
                break
            await self.send(KEYS[number * 7 % len(KEYS)])
            await asyncio.sleep(0)
        self._ended.set()

    async def stop(self) -> None:
        """Stop when the broker has answered."""
        self._stops = True
        await self._ended.wait()

    async def send(self, key: str) -> None:
        value = b"%d" % (self.sent[key] + 1)
        while True:
            count = (await self._log.topic(EVENTS)).spec.partitions
            record = Record(EVENTS, partition_for(key.encode(), count), key.encode(), value, 1)
            try:
                await self._log.append([record], counted=count)
                break
            except (ResizingError, ResizedError) as exc:
                self.refused[type(exc).__name__] += 1
                await asyncio.sleep(0.005)
        self.sent[key] += 1


def resize(log: Log, layout: Any = None) -> Resize:
    return Resize(log, [EVENTS, TABLE], {GROUP: [EVENTS]}, layout or ByKey(owner))


async def ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert result is None or isinstance(result, asyncio.CancelledError), result


async def until(condition: Callable[[], Any], within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.01)


async def is_counted(log: Log) -> bool:
    done = await log.committed(GROUP)
    return all(done.get(TopicPartition(EVENTS, p), 0) == end for p, end in (await log.end_offsets(EVENTS)).items())


async def check(log: Log, sent: Counter[str], new: int = NEW) -> None:
    """Check that every event was counted once, in the partition of its key, and that each key has its order."""
    await until(partial(is_counted, log))
    assert {(await log.topic(topic, fresh=True)).spec.partitions for topic in (EVENTS, TABLE)} == {new}
    found: Counter[str] = Counter()
    ranked: dict[bytes, float] = {}
    for partition in range(new):
        for key, count in (await counts_of(log, TopicPartition(TABLE, partition))).items():
            assert partition_for(key, new) == partition
            found[key.decode()] += count
            ranked[b"%d|%b" % (partition, key)] = count
    assert found == sent
    scores: dict[bytes, float] = {}
    for shard in log.shards:
        listed: Any = await shard.redis.zrange(shard.keys.ranking(TABLE, "board/all"), 0, -1, withscores=True)
        scores |= dict(listed)
    assert scores == ranked
    numbers: dict[str, list[int]] = {key: [] for key in KEYS}
    for tp in (TopicPartition(EVENTS, p) for p in range(new)):  # a parent, whose records are older, before its children
        for one in (await log.fetch({tp: 0}, count=100_000)).get(tp, []):
            numbers[(one.key or b"").decode()].append(int(one.value or b""))
    assert numbers == {key: list(range(1, sent[key] + 1)) for key in KEYS}


async def test_under_load_nothing_is_lost_or_doubled_and_the_order_of_a_key_is_kept(
    log: Log, broker_url: str, namespace: str
) -> None:
    counting, producing = Counting(broker_url, namespace), Producing(log)
    tasks = [asyncio.create_task(each.run()) for each in (counting, producing)]
    await asyncio.sleep(0.3)
    done = await resize(log).run(NEW)
    before = sum(producing.sent.values())

    async def goes_on() -> bool:
        return sum(producing.sent.values()) > before + len(KEYS)

    await until(goes_on)
    await producing.stop()
    await check(log, producing.sent)
    await ended(tasks)
    assert done.split == Split(OLD, NEW)
    assert done.paused_s is not None
    assert done.rows > 0
    assert producing.refused["ResizingError"]
    assert counting.ended
    [past] = await finished(log)
    assert (past.old, past.new) == (OLD, NEW)
    assert await in_progress(log) is None


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_resize_that_is_killed_at_any_call_goes_on_where_it_was(
    broker_url: str, namespace: str, *, after: bool
) -> None:
    """Kill it at its first call, then at its second, and so on, until it ends by itself."""
    for calls in itertools.count():
        space = f"{namespace}-{calls}"
        async with Mortal(broker_url, space) as log:
            for spec in SPECS:
                await log.create_topic(spec)
            producing, counting = Producing(log), asyncio.create_task(Counting(broker_url, space).run())
            for key in KEYS:
                await producing.send(key)
            await until(partial(is_counted, log))
            Mortal.lives, Mortal.after = calls, after
            killed = False
            try:
                await resize(log).run(NEW)
            except Killed:
                killed = True
            Mortal.lives = 1_000_000
            if killed:
                await log.redis.delete(log.keys.resizer)  # its lease runs out
                if (await log.topic(EVENTS, fresh=True)).spec.partitions == OLD:
                    await resize(log).run(NEW)
            for key in KEYS:
                await producing.send(key)
            await check(log, producing.sent)
            await ended([counting])
        if not killed:
            assert calls > 20
            return


async def test_a_writer_that_knows_the_old_number_is_refused(log: Log, broker_url: str, namespace: str) -> None:
    async with Log(broker_url, namespace) as other:
        await other.topic(EVENTS)
        await resize(log).run(NEW)
        with pytest.raises(ResizedError, match="has 8 partitions now, and this writer knew 4"):
            await other.append([Record(EVENTS, 0, b"k", b"v", 1)])
        assert (await other.append([Record(EVENTS, 0, b"k", b"v", 1)])).offsets == (0,)
        with pytest.raises(ResizedError, match="knew 4"):
            await other.append([Record(EVENTS, 0, b"k", b"v", 1)], counted=OLD)


async def test_a_client_that_keeps_the_numbers_refuses_a_topic_that_was_resized(log: Log) -> None:
    log.keeps_partitions = True
    await resize(log).run(NEW)
    with pytest.raises(ResizedError, match="8 partitions now, and 4 when this process started"):
        await log.topic(EVENTS, fresh=True)


async def test_topics_open_again_when_members_do_not_process_everything_in_time(log: Log) -> None:
    await log.append([Record(EVENTS, 0, b"k", b"v", 1)])
    with pytest.raises(CannotResizeError, match="counters has 1 records of events:0 before it"):
        await resize(log).run(NEW, drain_s=0.2)
    assert await in_progress(log) is None
    assert (await log.append([Record(EVENTS, 0, b"k", b"v", 1)])).offsets == (1,)


async def test_topics_take_no_records_while_they_are_closed(log: Log) -> None:
    await log.append([Record(EVENTS, 0, b"k", b"v", 1)])
    resizing = asyncio.create_task(resize(log).run(NEW, drain_s=5))

    async def closed() -> bool:
        return await in_progress(log) is not None

    await until(closed)
    with pytest.raises(ResizingError, match="takes no records while its number of partitions changes"):
        await log.append([Record(EVENTS, 0, b"k", b"v", 1)])
    with pytest.raises(CannotResizeError, match="another process resizes this log"):
        await resize(log).run(NEW)
    resizing.cancel()
    await asyncio.gather(resizing, return_exceptions=True)
    await log.append([Record(EVENTS, 0, b"k", b"v", 1)])


class NeverReady(ByKey):
    """A layout whose rows cannot be divided."""

    tries = 0

    def plan(self, split: Split, parent: int) -> Any:
        del split, parent
        NeverReady.tries += 1
        raise NotReadyError("a round is in progress")


async def test_rows_that_cannot_be_divided_now_are_tried_again_while_the_topics_are_open(log: Log) -> None:
    NeverReady.tries = 0
    with pytest.raises(CannotResizeError, match="cannot be divided now: a round is in progress"):
        await resize(log, NeverReady(owner)).run(NEW, ready_s=2.5)
    assert NeverReady.tries == 2
    assert await in_progress(log) is None


async def test_a_resize_can_be_cancelled_until_rows_have_moved(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await resize(log).cancel() is None

    async def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Resize, "_open", die)
        patch.setattr(Resize, "_seal", die)
        with pytest.raises(Killed):
            await resize(log).run(NEW)
    assert str(await in_progress(log)) == "from 4 to 8 partitions"
    with pytest.raises(CannotResizeError, match="from 4 to 8 partitions has begun; finish it first"):
        await resize(log).run(16)
    assert str(await resize(log).cancel()) == "from 4 to 8 partitions"
    await log.append([Record(EVENTS, 0, b"k", b"v", 1)])
    await log.commit(WriteBatch(offsets={TopicPartition(EVENTS, 0): 1}, group=GROUP))
    with monkeypatch.context() as patch:
        patch.setattr(Resize, "_finish", die)
        with pytest.raises(Killed):
            await resize(log).run(NEW)
    with pytest.raises(CannotResizeError, match="rows have been moved"):
        await resize(log).cancel()
    await resize(log).run(NEW)
    assert (await log.topic(EVENTS, fresh=True)).spec.partitions == NEW


@pytest.mark.parametrize(
    ("new", "why"),
    [(6, "expected a multiple of 4 partitions, got 6"), (4, "have 4 partitions already"), (2, "expected a multiple")],
)
async def test_a_number_that_would_divide_keys_is_refused(log: Log, new: int, why: str) -> None:
    with pytest.raises(CannotResizeError, match=why):
        await resize(log).run(new)


async def test_rows_of_a_resize_that_is_over_are_refused(log: Log) -> None:
    await resize(log).run(NEW)
    late = WriteBatch(rows=[Rows(TABLE, 5, [(b"board|k", b"old")], 1)], resize="another")
    with pytest.raises(LogUnavailableError):
        await log.commit(late)


async def test_all_shards_are_resized(broker_url: str, namespace: str) -> None:
    url = ",".join([broker_url] * SHARDS)
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(open_log(url, namespace))
        for spec in SPECS:
            await log.create_topic(spec)
        members = [Counting(broker_url, namespace, Shard(number, SHARDS)) for number in range(SHARDS)]
        producing = Producing(log)
        tasks = [asyncio.create_task(producing.run()), *(asyncio.create_task(each.run()) for each in members)]
        await asyncio.sleep(0.3)
        await resize(log).run(NEW)
        await asyncio.sleep(0.3)
        await producing.stop()
        await check(log, producing.sent)
        await ended(tasks)


async def test_partitions_that_are_no_multiple_of_the_shards_are_refused(broker_url: str, namespace: str) -> None:
    async with open_log(",".join([broker_url] * 3), namespace) as log:
        for spec in SPECS:
            await log.create_topic(spec)
        with pytest.raises(CannotResizeError, match="4 partitions on 3 shards"):
            await resize(log).run(12)
