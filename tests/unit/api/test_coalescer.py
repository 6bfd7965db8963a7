"""Calls that several callers share: no caller waits for a timer, and each gets its own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from faust_redis.log import LogUnavailableError, UnknownTopicError

from api.kit.coalescer import RequestCoalescer


class Broker:
    """A broker that answers a call when the test releases it: each item doubled, a negative one with an error."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.called = asyncio.Event()
        self.answers: asyncio.Queue[Exception | None] = asyncio.Queue()

    async def run(self, items: Sequence[int]) -> list[int | BaseException]:
        self.calls.append(list(items))
        self.called.set()
        error = await self.answers.get()
        if error is not None:
            raise error
        return [2 * item if item >= 0 else UnknownTopicError(str(item)) for item in items]

    async def next_call(self) -> list[int]:
        await self.called.wait()
        self.called.clear()
        return self.calls[-1]

    def answer(self, error: Exception | None = None) -> None:
        self.answers.put_nowait(error)


async def started(together: RequestCoalescer[int, int], *items: int) -> list[asyncio.Task[int]]:
    """Start callers and wait until each has made its call."""
    tasks = [asyncio.create_task(together(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


async def outcomes(tasks: list[asyncio.Task[int]]) -> list[int | BaseException]:
    """Return each caller's outcome, within a timeout."""
    async with asyncio.timeout(10):
        return await asyncio.gather(*tasks, return_exceptions=True)


async def test_an_idle_coalescer_calls_at_once_and_later_callers_share_the_next_call_in_order() -> None:
    broker = Broker()
    together = RequestCoalescer(broker.run, size_max=100)
    [first] = await started(together, 1)
    assert await broker.next_call() == [1]
    others = await started(together, 2, 3, 4)
    broker.answer()
    assert await first == 2
    assert await broker.next_call() == [2, 3, 4]
    broker.answer()
    assert await asyncio.gather(*others) == [4, 6, 8]


async def test_a_call_is_no_larger_than_allowed_unless_one_item_is() -> None:
    broker = Broker()
    together = RequestCoalescer(broker.run, size=lambda item: item, size_max=10)
    tasks = await started(together, 1, 4, 6, 50, 2)
    for _ in range(4):
        broker.answer()
    await outcomes(tasks)
    assert broker.calls == [[1, 4], [6], [50], [2]]


async def test_an_error_of_one_item_reaches_its_caller_alone() -> None:
    broker = Broker()
    together = RequestCoalescer(broker.run, size_max=100)
    tasks = await started(together, 1, -2, 3)
    broker.answer()
    one, two, three = await outcomes(tasks)
    assert (one, three) == (2, 6)
    assert isinstance(two, UnknownTopicError)


async def test_all_waiting_callers_learn_of_an_absent_broker_without_a_call_each() -> None:
    broker = Broker()
    together = RequestCoalescer(broker.run, size_max=1)
    tasks = await started(together, 1, 2, 3)
    broker.answer(LogUnavailableError("away"))
    results = await outcomes(tasks)
    assert all(isinstance(result, LogUnavailableError) for result in results)
    assert broker.calls == [[1]]
    [again] = await started(together, 4)
    broker.answer()
    assert await again == 8


async def test_any_other_failure_affects_its_call_alone() -> None:
    broker = Broker()
    together = RequestCoalescer(broker.run, size_max=1)
    tasks = await started(together, 1, 2)
    broker.answer(RuntimeError("odd"))
    broker.answer()
    one, two = await outcomes(tasks)
    assert isinstance(one, RuntimeError)
    assert two == 4


async def test_a_caller_that_was_cancelled_is_left_out_of_the_call() -> None:
    broker = Broker()
    together = RequestCoalescer(broker.run, size_max=100)
    tasks = await started(together, 1)
    assert await broker.next_call() == [1]
    tasks += await started(together, 2, 3)
    tasks[1].cancel()
    broker.answer()
    broker.answer()
    assert await tasks[0] == 2
    assert await tasks[2] == 6
    assert broker.calls == [[1], [3]]
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
