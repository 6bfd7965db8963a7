"""Coalesce concurrent requests to the log into few calls, without a timer.

While a call is in flight, new requests wait; the next call serves all of them. So an idle API calls at once, and a busy
API shares each call between many requests. Each caller gets its own result or its own error.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from faust_redis.log import LogUnavailableError

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class RequestCoalescer(Generic[ItemT, ResultT]):
    """Calls `run` with the items that have arrived meanwhile, in their order.

    Args:
        run: Processes several items; returns a result or an error for each. All get an error that it raises.
        size: Returns how much an item counts towards `size_max`.
        size_max: The largest total size of a call with more than one item.
    """

    def __init__(
        self,
        run: Callable[[Sequence[ItemT]], Awaitable[Sequence[ResultT | BaseException]]],
        *,
        size: Callable[[ItemT], int] = lambda _: 1,
        size_max: int,
    ) -> None:
        self._run = run
        self._size = size
        self._size_max = size_max
        self._waiting: deque[tuple[ItemT, asyncio.Future[ResultT]]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, item: ItemT) -> ResultT:
        """Return the result of an item.

        Raises:
            LogError: as `run` returned or raised it; also, without trying, when a call before found the broker away.
        """
        result: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, result))
        if self._running is None:
            empty = contextvars.Context()  # the task serves several requests, so it must not log as one of them
            self._running = asyncio.create_task(self._work(), name="ingress calls", context=empty)
        return await result

    async def _work(self) -> None:
        try:
            while some := self._next():
                try:
                    results = await self._run([item for item, _ in some])
                except Exception as exc:  # the waiting callers get it
                    results = [exc] * len(some)
                for (_, waiting), result in zip(some, results, strict=True):
                    _settle(waiting, result)
                if isinstance(results[-1], LogUnavailableError):
                    self._give_up(results[-1])
        finally:
            self._running = None

    def _next(self) -> list[tuple[ItemT, asyncio.Future[ResultT]]]:
        """Return the next items that fit into one call, with their futures; at least one if any waits."""
        some: list[tuple[ItemT, asyncio.Future[ResultT]]] = []
        size = 0
        while self._waiting:
            item, result = self._waiting[0]
            size += self._size(item)
            if some and size > self._size_max:
                break
            self._waiting.popleft()
            if result.done():  # its request was cancelled meanwhile
                size -= self._size(item)
            else:
                some.append((item, result))
        return some

    def _give_up(self, exc: LogUnavailableError) -> None:
        """Fail all waiting items, so that no caller waits for an absent broker longer than one call takes to notice."""
        while self._waiting:
            _settle(self._waiting.popleft()[1], exc)


def _settle(waiting: asyncio.Future[ResultT], result: ResultT | BaseException) -> None:
    if waiting.done():
        return
    if isinstance(result, BaseException):
        waiting.set_exception(result)
    else:
        waiting.set_result(result)
