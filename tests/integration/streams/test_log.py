"""The log on a real server: atomic writes, retries, fences, foreign writers, offsets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgpack
import pytest
import uvloop
from faust_redis.log import (
    DamagedPartitionError,
    Fence,
    FencedError,
    IdempotencyConflictError,
    IdempotencyKey,
    IncarnationError,
    Log,
    LogUnavailableError,
    Preconditions,
    ProducerSequence,
    Record,
    RolledBackError,
    TopicMismatchError,
    TopicPartition,
    TopicSpec,
    UnknownTopicError,
    WriteBatch,
)
from faust_redis.log.records import evidence_of
from faust_redis.log.scripts import GROUP

T0 = TopicPartition("t", 0)


def record(value: bytes | None = b"v", *, topic: str = "t", partition: int = 0, key: bytes | None = b"k") -> Record:
    return Record(topic, partition, key, value, 1)


def standings(**scores: float) -> bytes:
    packed: bytes = msgpack.packb({suffix: [score, "what else the row holds"] for suffix, score in scores.items()})
    return packed


async def ranking(log: Log, name: str) -> list[tuple[bytes, float]]:
    key = log.keys.ranking("r", name)
    members = [raw async for raw, _ in log.redis.zscan_iter(key)]
    scored = [(bytes(member), float(await log.redis.zscore(key, member) or 0)) for member in members]
    return sorted(scored, key=lambda one: (one[1], one[0]))


@pytest.fixture(autouse=True)
async def topics(log: Log) -> None:
    await log.create_topic(TopicSpec("t", 2))
    await log.create_topic(TopicSpec("c", 2, "compact"))
    await log.create_topic(TopicSpec("r", 1, "compact", "rank"))


async def join(log: Log, member: str = "m", lease_ms: int = 5000) -> Fence:
    standing: Any = await log.run(GROUP, [log.keys.group("g")], ["join", member, b"", lease_ms, 5000, 0])
    await log.run(GROUP, [log.keys.group("g")], ["sync", member, standing[3], member, b"all"])
    return Fence("g", member, standing[3])


async def test_records_come_back_as_written(log: Log) -> None:
    written = [
        Record("t", 0, b"k", b"v", 123, (("a", b"1"), ("a", b"2"))),
        Record("t", 0, b"", b"", 5),
        Record("t", 0, b"k", None, 6),
        Record("t", 0, None, b"\x00\xff\r\n", 7),
        Record("t", 0, None, None, 8),
    ]
    appended = await log.append(written)
    assert appended.offsets == (0, 1, 2, 3, 4)
    read = (await log.fetch({T0: 0}))[T0]
    assert [(r.key, r.value, r.timestamp_ms, r.headers) for r in read] == [
        (w.key, w.value, w.timestamp_ms, w.headers) for w in written
    ]
    assert [r.offset for r in (await log.fetch({T0: 3}))[T0]] == [3, 4]


async def test_offsets_are_dense_and_never_reused_after_trimming(log: Log) -> None:
    await log.append([record() for _ in range(3)])
    await log.redis.xtrim(log.keys.stream("t", 0), maxlen=0)
    assert await log.beginning_offsets("t") == {0: 3, 1: 0}
    assert (await log.append([record()])).offsets == (3,)
    assert await log.end_offsets("t") == {0: 4, 1: 0}


async def test_a_waiting_fetch_returns_when_a_record_comes(log: Log) -> None:
    waiting = asyncio.create_task(log.fetch({T0: 0}, block_ms=10_000))
    await asyncio.sleep(0)
    await log.append([record()])
    assert [r.offset for r in (await asyncio.wait_for(waiting, 5))[T0]] == [0]


async def test_a_refused_write_leaves_nothing(log: Log) -> None:
    await log.redis.xadd(log.keys.stream("t", 1), {"x": "1"})
    with pytest.raises(DamagedPartitionError, match="Something else wrote to it"):
        await log.append([record(), record(topic="c"), record(partition=1)])
    assert await log.end_offsets("t") == {0: 0, 1: 0}
    assert await log.redis.hgetall(log.keys.snapshot("c", 0)) == {}


async def test_a_foreign_entry_is_refused_when_read(log: Log) -> None:
    await log.redis.xadd(log.keys.stream("t", 1), {"x": "1"})
    with pytest.raises(DamagedPartitionError, match="topics repair t 1"):
        await log.fetch({TopicPartition("t", 1): 0})


async def test_a_foreign_write_with_our_kind_of_id_is_refused(log: Log) -> None:
    await log.append([record()])
    await log.redis.xadd(log.keys.stream("t", 0), {"x": "1"}, id="0-*")
    with pytest.raises(DamagedPartitionError):
        await log.append([record()])


async def test_a_retry_returns_the_first_result(log: Log) -> None:
    once = ProducerSequence("me", 7, ttl_ms=60_000)
    first = await log.append([record(), record(partition=1)], write_id=once)
    again = await log.append([record(), record(partition=1)], write_id=once)
    assert (first.offsets, first.again) == ((0, 0), False)
    assert (again.offsets, again.again) == ((0, 0), True)
    assert await log.end_offsets("t") == {0: 1, 1: 1}


async def test_an_attempt_that_arrives_after_its_successor_is_refused(log: Log) -> None:
    for number in (7, 8):
        await log.append([record()], write_id=ProducerSequence("me", number, ttl_ms=60_000))
    with pytest.raises(FencedError):
        await log.append([record()], write_id=ProducerSequence("me", 7, ttl_ms=60_000))
    assert (await log.end_offsets("t"))[0] == 2


async def test_an_idempotency_key_is_good_for_one_body(log: Log) -> None:
    await log.append([record()], write_id=IdempotencyKey("key", "digest-1", ttl_ms=60_000))
    with pytest.raises(IdempotencyConflictError):
        await log.append([record()], write_id=IdempotencyKey("key", "digest-2", ttl_ms=60_000))
    assert await log.end_offsets("t") == {0: 1, 1: 0}


async def test_a_write_whose_predecessor_is_lost_is_refused(log: Log) -> None:
    """After a rollback of the broker, the state that a writer knows may be lost, so nothing of it is written."""
    first = ProducerSequence("me", 7, ttl_ms=60_000)
    await log.append([record()], write_id=first)
    await log.append([record()], write_id=replace(first, number=8, after=7))
    for lost in (replace(first, number=10, after=9), replace(first, producer="other", number=2, after=1)):
        with pytest.raises(RolledBackError, match="write"):
            await log.append([record()], write_id=lost)
    assert (await log.append([record()], write_id=replace(first, number=8, after=7))).again
    assert (await log.end_offsets("t"))[0] == 2


@pytest.mark.parametrize("now", [[b"one"], [b"one", b"another"], [b"another", b"two"], [b"o", b"netwo"]], ids=repr)
async def test_a_commit_that_passes_a_record_that_is_gone_is_refused(log: Log, now: list[bytes]) -> None:
    """A member processed two records before the broker was restored: their effects have no cause and are refused."""
    fence = await join(log)
    for value in (b"first", *now):
        await log.append([record(value)])
    preconditions = Preconditions(0, *passing([b"one", b"two"], since=1))
    with pytest.raises(RolledBackError, match="another record below 3"):
        await log.commit(WriteBatch([record(topic="c")], {T0: 3}, {T0: preconditions}), fence=fence)
    assert await log.end_offsets("c") == {0: 0, 1: 0}


@pytest.mark.parametrize("since", [0, 1, 3, 5])
@pytest.mark.parametrize("offset", [6, 7, 10])
async def test_a_commit_that_passes_the_processed_records_is_accepted(log: Log, since: int, offset: int) -> None:
    """It may begin and end within a batch."""
    fence = await join(log)
    await log.append([record(b"first")])
    await log.append([record(b"%d" % n) for n in range(4)])
    await log.append([record(None)])
    await log.append([record(b"%d" % n) for n in range(4)])
    records = (await log.fetch({T0: 0}))[T0]
    preconditions = Preconditions(0, *passing([one.evidence for one in records[since:offset]], since))
    await log.commit(WriteBatch([], {T0: offset}, {T0: preconditions}), fence=fence)
    assert (await log.committed("g"))[T0] == offset
    again = Preconditions(offset, *passing([*[one.evidence for one in records[since:offset]], b"more"], since))
    with pytest.raises(RolledBackError):
        await log.commit(WriteBatch([], {T0: offset}, {T0: again}), fence=fence)


def passing(evidence: list[bytes], since: int) -> tuple[str, int, int]:
    passed, entries = evidence_of(evidence)
    return passed, since, entries


async def test_the_snapshot_is_the_fold_of_the_changelog(log: Log) -> None:
    for key, value in ((b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"b", None), (b"c", b"")):
        await log.append([record(value, topic="c", key=key)])
    assert await log.redis.hgetall(log.keys.snapshot("c", 0)) == {b"a": b"3", b"c": b""}
    assert (await log.end_offsets("c"))[0] == 5


async def test_a_ranked_topic_keeps_its_order(log: Log) -> None:
    for member, score in ((b"zoe", 2.5), (b"ada", 2), (b"bob", 1), (b"zoe", -1e300), (b"bob", None)):
        value = None if score is None else standings(x=score, y=5)
        await log.append([record(value, topic="r", key=b"board|" + member)])
    assert await ranking(log, "board/x") == [(b"0|zoe", -1e300), (b"0|ada", 2)]
    assert await ranking(log, "board/y") == [(b"0|ada", 5), (b"0|zoe", 5)]


async def test_a_standing_may_move_to_another_row_in_one_write_whatever_is_written_between(log: Log) -> None:
    await log.append([record(standings(**{"day/xp": 1, "all": 1}), topic="r", key=b"open|ada")])
    others = [record(standings(all=2), topic="r", key=b"open|u%d" % n) for n in range(1_200)]
    moved = [record(standings(xp=1), topic="r", key=b"open/day|ada"), *others]
    await log.append([*moved, record(standings(all=0), topic="r", key=b"open|ada")])
    assert await ranking(log, "open/day/xp") == [(b"0|ada", 1)]
    assert await log.redis.zcard(log.keys.ranking("r", "open/all")) == 1_201
    assert (await ranking(log, "open/all"))[0] == (b"0|ada", 0)
    await log.append(
        [record(standings(all=0), topic="r", key=b"open|ada"), record(None, topic="r", key=b"open/day|ada")]
    )
    assert await ranking(log, "open/day/xp") == []


NO_STANDINGS = [
    *(b"", b"{", b"7", b"null", b"[" * 1_500, b"\x81", b"\x81\xa3all\x91\x01\xc0", b"\x91\x91\x01"),
    *(msgpack.packb(value) for value in (7, None, [], ["all", 1], "all")),
]
NO_SCORES: tuple[Any, ...] = (7, {}, [], ["1"], [True], [float("nan")], [[1]], None)
NOT_RANKED: list[Any] = [*({"all": value} for value in NO_SCORES), {7: [1]}, {}]


@pytest.mark.parametrize("value", NO_STANDINGS)
async def test_a_row_without_standings_is_written_and_ranks_nothing(log: Log, value: bytes) -> None:
    await log.append([record(standings(all=1), topic="r", key=b"open|ada")])
    await log.append([record(value, topic="r", key=b"open|ada"), record(standings(all=2), topic="r", key=b"open|bob")])
    assert await ranking(log, "open/all") == [(b"0|bob", 2)]
    assert (await log.redis.hgetall(log.keys.snapshot("r", 0)))[b"open|ada"] == value


@pytest.mark.parametrize("row", NOT_RANKED, ids=repr)
async def test_a_standing_without_a_score_ranks_nothing(log: Log, row: Any) -> None:
    value: bytes = msgpack.packb(row)
    await log.append([record(value, topic="r", key=b"open|ada"), record(standings(all=2), topic="r", key=b"open|bob")])
    assert await ranking(log, "open/all") == [(b"0|bob", 2)]
    assert (await log.redis.hgetall(log.keys.snapshot("r", 0)))[b"open|ada"] == value


async def test_offsets_are_committed_with_the_records_and_shown_to_ordinary_tools(log: Log) -> None:
    await log.append([record() for _ in range(5)])
    fence = await join(log)
    await log.commit(WriteBatch([record(topic="c")], {T0: 3}), fence=fence)
    assert await log.committed("g") == {T0: 3}
    groups = await log.redis.xinfo_groups(log.keys.stream("t", 0))
    assert (groups[0]["name"], groups[0]["lag"]) == (b"g", 2)


async def test_a_writer_of_an_old_generation_writes_nothing(log: Log) -> None:
    old = await join(log, "m1")
    await join(log, "m2")
    await log.run(GROUP, [log.keys.group("g")], ["join", "m1", b"", 5000, 5000, 0])
    with pytest.raises(FencedError, match="generation"):
        await log.commit(WriteBatch([record()], {T0: 1}), fence=old)
    assert await log.end_offsets("t") == {0: 0, 1: 0}
    assert await log.committed("g") == {}


async def test_a_writer_whose_lease_ran_out_writes_nothing(log: Log) -> None:
    fence = await join(log, lease_ms=1)
    await asyncio.sleep(0.01)
    with pytest.raises(FencedError, match="lease"):
        await log.commit(WriteBatch([record()]), fence=fence)
    assert await log.end_offsets("t") == {0: 0, 1: 0}


async def test_a_flushed_broker_is_noticed(log: Log) -> None:
    await log.append([record()])
    await log.redis.delete(log.keys.topic("t"), log.keys.stream("t", 0), log.keys.ends("t"))
    async with Log(log.url, log.keys.namespace) as other:
        await other.create_topic(TopicSpec("t", 2))
    with pytest.raises(IncarnationError, match="re-created"):
        await log.append([record()])
    assert (await log.append([record()])).offsets == (0,)


async def test_a_topic_is_created_once_and_keeps_its_partitions(log: Log) -> None:
    made = await asyncio.gather(*(log.create_topic(TopicSpec("new", 3)) for _ in range(8)))
    assert len({info.incarnation for info in made}) == 1
    with pytest.raises(TopicMismatchError, match="3 partitions"):
        await log.create_topic(TopicSpec("new", 4))


async def test_unknown_topics_and_partitions_are_named(log: Log) -> None:
    with pytest.raises(UnknownTopicError, match="nowhere"):
        await log.append([record(topic="nowhere")])
    with pytest.raises(UnknownTopicError, match="t:2"):
        await log.append([record(partition=2)])


async def test_a_retry_learns_its_result_even_after_the_fence_fell(log: Log) -> None:
    fence = await join(log)
    number = ProducerSequence("g:m", 1, ttl_ms=60_000)
    batch = WriteBatch([record()], {T0: 1})
    await log.commit(batch, fence=fence, write_id=number)
    await log.run(GROUP, [log.keys.group("g")], ["leave", "m"])
    assert (await log.commit(batch, fence=fence, write_id=number)).again
    assert await log.end_offsets("t") == {0: 1, 1: 0}


async def test_a_password_in_the_url_is_not_shown() -> None:
    log = Log("redis://me:secret@127.0.0.1:1/0")
    with pytest.raises(LogUnavailableError) as caught:
        await log.end_offsets("t")
    assert "secret" not in str(caught.value)
    await log.close()


async def test_a_broker_that_went_back_in_time_is_noticed_at_the_next_commit(log: Log) -> None:
    fence = await join(log)
    await log.commit(WriteBatch([record()], {T0: 5}), fence=fence)
    await log.redis.hset(log.keys.offsets("g"), "t:0", "3")
    with pytest.raises(RolledBackError, match="has committed 3 of t:0"):
        await log.commit(WriteBatch([record()], {T0: 6}, {T0: Preconditions(5, "")}), fence=fence)
    assert await log.end_offsets("t") == {0: 1, 1: 0}


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_connection_that_was_cut_makes_the_broker_unavailable_on_every_event_loop(
    broker_url: str, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def cut_and_ask() -> None:
        async with Log(broker_url, "cut") as log:
            pool: Any = log.redis.connection_pool
            [connection] = pool._available_connections
            connection._writer.transport.abort()
            await asyncio.sleep(0.01)
            # The connection is cut after the pool checked it.
            pool.ensure_connection = lambda _connection: asyncio.sleep(0)
            with pytest.raises(LogUnavailableError):
                await log.topics()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(cut_and_ask())
