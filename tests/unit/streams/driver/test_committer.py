"""The committer alone, against a log that answers when the test releases it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from faust_redis.driver.commit.committer import CommitLimits, Committer
from faust_redis.driver.commit.costs import WriteCosts
from faust_redis.driver.commit.dependencies import Dependencies
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.commit.outputs import Output
from faust_redis.driver.commit.row_writes import Clock, RowWrites
from faust_redis.driver.groups.fencing import Fencing
from faust_redis.driver.limits import ROW_US
from faust_redis.hooks import HookList
from faust_redis.log import (
    Appended,
    DamagedPartitionError,
    Fence,
    FencedError,
    LogUnavailableError,
    ProducerSequence,
    ResizedError,
    ResizingError,
    WriteBatch,
)
from faust_redis.log.keys import Keys

SOURCE = TP("in", 0)
DAMAGED = TP("out", 3)


class SlowLog:
    """A log that accepts commits and answers them later."""

    def __init__(self) -> None:
        self.batches: list[WriteBatch] = []
        self.arrived = asyncio.Event()
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.committed_offset: int | None = None
        self.keys = Keys("test")

    async def last_sequence(self, _producer: str) -> int | None:
        return self.committed_offset

    def known_topic(self, _name: str) -> None:
        return None

    async def commit(self, batch: WriteBatch, *, fence: Fence | None, write_id: ProducerSequence) -> Appended:
        self.batches.append(batch)
        self.arrived.set()
        await self.answer
        return Appended(tuple(range(len(batch.records))), again=False)


@pytest.fixture
async def log() -> SlowLog:
    return SlowLog()


def committer_of(log: SlowLog, *, owned: bool = True) -> Committer:
    async def ensure(_name: str) -> Any:
        return SimpleNamespace(spec=SimpleNamespace(compacted=False))

    parts: Any = SimpleNamespace(
        ensure=ensure,
        changelogs=set,
        stores=dict,
        settle=lambda: None,
        clear=lambda: None,
        holds=lambda _tp: owned,
    )
    broker: Any = log
    return Committer(
        broker,
        "g:m",
        costs=WriteCosts(lambda _topic: None),
        rows=RowWrites(parts, parts, parts, Clock(lambda: 0, lambda: b"writer")),
        tables=parts,
        memory=parts,
        tracker=OffsetTracker(),
        dependencies=Dependencies(),
        fencing=Fencing(),
        hooks=HookList(),
        limits=CommitLimits(),
    )


@pytest.fixture
async def committer(log: SlowLog) -> Committer:
    committer = committer_of(log)
    committer.fence = Fence("g", "m", 1)
    return committer


def finish_an_event(committer: Committer, outcomes: list[Any]) -> None:
    """Finish one event with one output."""
    settle = lambda offset, error: outcomes.append(error or offset)  # noqa: E731
    committer.tracker.reset(SOURCE, 0)
    committer.tracker.deliver(SOURCE, 0)
    committer.pending.add(Output("out", 0, b"k", b"v", 0, (), (SOURCE, 0), settle))
    committer.tracker.finish(SOURCE, (0,))


async def test_a_write_goes_on_when_its_caller_is_cancelled(committer: Committer, log: SlowLog) -> None:
    outcomes: list[Any] = []
    finish_an_event(committer, outcomes)
    caller = asyncio.ensure_future(committer.commit())
    await log.arrived.wait()
    caller.cancel()
    await asyncio.wait([caller])
    log.answer.set_result(None)
    await committer.commit()
    assert (len(log.batches), outcomes, committer.tracker.committed(SOURCE)) == (1, [0], 1)


async def test_an_error_whose_caller_is_cancelled_meets_the_next_commit_too(log: SlowLog) -> None:
    outcomes: list[Any] = []
    committer = committer_of(log)
    settle = lambda offset, error: outcomes.append(error or offset)  # noqa: E731
    committer.pending.add(Output("out", 0, b"k", b"v", 0, (), None, settle))
    caller = asyncio.ensure_future(committer.commit())
    await log.arrived.wait()
    caller.cancel()
    await asyncio.wait([caller])
    log.answer.set_exception(ResizedError("topics have more partitions now"))
    with pytest.raises(ResizedError):
        await committer.commit()
    assert not outcomes


async def test_a_member_takes_its_partitions_though_closed_topics_take_none_of_its_records(log: SlowLog) -> None:
    outcomes: list[Any] = []
    committer = committer_of(log)
    settle = lambda offset, error: outcomes.append(error or offset)  # noqa: E731
    committer.pending.add(Output("out", 0, b"k", b"v", 0, (), None, settle))
    log.answer.set_exception(ResizingError("closed"))
    assert not await committer.commit()
    log.answer = asyncio.get_running_loop().create_future()
    log.answer.set_result(None)
    await committer.begin_generation(Fence("g", "m", 1))
    assert await committer.commit()
    assert outcomes == [0]


async def test_a_generation_ends_only_once_the_outcome_of_the_write_in_flight_is_known(
    committer: Committer, log: SlowLog
) -> None:
    outcomes: list[Any] = []
    finish_an_event(committer, outcomes)
    writing = asyncio.ensure_future(committer.commit())
    await log.arrived.wait()
    ending = asyncio.ensure_future(committer.end_generation("over"))
    await asyncio.sleep(0)
    assert committer.fence is not None
    log.answer.set_result(None)
    await asyncio.gather(writing, ending)
    assert outcomes == [0]
    assert not committer.fence


async def test_a_write_with_an_unknown_outcome_is_retried_under_the_same_number(
    committer: Committer, log: SlowLog
) -> None:
    outcomes: list[Any] = []
    finish_an_event(committer, outcomes)
    committer.stopping = True
    log.answer.set_exception(LogUnavailableError("away"))
    with pytest.raises(LogUnavailableError):
        await committer.commit()
    await committer.commit()
    assert len(log.batches) == 1
    assert isinstance(outcomes[0], LogUnavailableError)


async def test_a_member_that_writes_nothing_sees_that_its_last_write_is_lost(
    committer: Committer, log: SlowLog
) -> None:
    assert not await committer.is_forgotten(), "nothing was written yet, so nothing can be lost"
    finish_an_event(committer, [])
    log.answer.set_result(None)
    await committer.commit()
    log.committed_offset = 1
    assert not await committer.is_forgotten()
    log.committed_offset = None  # The broker was restored to a state before the write.
    assert await committer.is_forgotten()


async def test_a_caller_that_comes_again_waits_for_a_few_more_events(committer: Committer, log: SlowLog) -> None:
    log.answer.set_result(None)
    committer.tracker.reset(SOURCE, 0)
    for offset in range(10):
        committer.tracker.deliver(SOURCE, offset)
        committer.pending.add(Output("out", 0, b"k", b"v", 0, (), (SOURCE, offset), None))
        committer.tracker.finish(SOURCE, (offset,))
    committer.cost_max_us = 3 * ROW_US
    assert await committer.commit(leave=5)
    assert [len(batch.records) for batch in log.batches] == [3, 3]
    assert await committer.commit()
    assert committer.tracker.committed(SOURCE) == 10


async def test_a_row_of_a_partition_that_this_member_does_not_own_is_not_written(log: SlowLog) -> None:
    committer = committer_of(log, owned=False)
    committer.fence = Fence("g", "m", 1)
    committer.tracker.reset(SOURCE, 0)
    committer.tracker.deliver(SOURCE, 0)
    committer.pending.change((SOURCE, 0), ("changelog", 0), [(b"k", b"v")])
    committer.tracker.finish(SOURCE, (0,))
    with pytest.raises(AssertionError, match="does not own"):
        await committer.commit()
    assert not log.batches


async def test_a_refused_write_fences_this_member_once(committer: Committer, log: SlowLog) -> None:
    fenced_states: list[bool] = []
    committer.fencing.on_fenced(lambda: fenced_states.append(committer.fencing.is_fenced))
    finish_an_event(committer, [])
    log.answer.set_exception(FencedError("its lease is over"))
    assert not await committer.commit()
    assert fenced_states == [True]
    assert committer.fence is None
    await committer.end_generation("over")
    assert not committer.fencing.is_fenced


class DamagedLog(SlowLog):
    """A log with one damaged partition: it refuses each write that includes the partition."""

    async def commit(self, batch: WriteBatch, *, fence: Fence | None, write_id: ProducerSequence) -> Appended:
        self.batches.append(batch)
        if any((record.topic, record.partition) == DAMAGED for record in batch.records):
            raise DamagedPartitionError(*DAMAGED, "torn")
        return Appended(tuple(range(len(batch.records))), again=False)


def has_fence(committer: Committer) -> bool:
    return committer.fence is not None


def send_outside(committer: Committer, to: TP, outcomes: list[Any]) -> None:
    settle = lambda offset, error: outcomes.append(error or offset)  # noqa: E731
    committer.pending.add(Output(to.topic, to.partition, b"k", b"v", 0, (), None, settle))


async def test_a_send_outside_of_events_to_a_damaged_partition_does_not_keep_events_from_their_commit() -> None:
    log = DamagedLog()
    committer = committer_of(log)
    committer.fence = Fence("g", "m", 1)
    refused: list[Any] = []
    written: list[Any] = []
    send_outside(committer, DAMAGED, refused)
    finish_an_event(committer, written)
    assert await committer.commit()
    assert (written, committer.tracker.committed(SOURCE)) == ([0], 1)
    assert [str(error) for error in refused] == [str(DamagedPartitionError(*DAMAGED, "torn"))]


async def test_events_and_sends_outside_of_events_may_write_to_the_same_damaged_partition() -> None:
    log = DamagedLog()
    committer = committer_of(log)
    committer.fence = Fence("g", "m", 1)
    held_back: list[set[TP]] = []
    committer.on_unwritable(lambda tps, _error: held_back.append(tps))
    refused: list[Any] = []
    kept: list[Any] = []
    send_outside(committer, DAMAGED, refused)
    send_outside(committer, TP("other", 0), kept)
    committer.tracker.reset(SOURCE, 0)
    committer.tracker.deliver(SOURCE, 0)
    committer.pending.add(Output(*DAMAGED, b"k", b"v", 0, (), (SOURCE, 0), None))
    committer.tracker.finish(SOURCE, (0,))
    assert not await committer.commit()
    assert (held_back, len(refused)) == ([{SOURCE}], 1)
    assert not has_fence(committer)
    assert await committer.commit()
    assert kept == [0], "the other send was not lost"
