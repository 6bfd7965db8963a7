"""A topic that never runs empty: a feeder appends events while fewer than a minimum wait."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from faust_redis.log import Log

from tests.bench import payload
from tests.bench.apps.spec import WorkerSpec

WAITING_MIN = 20_000
"""Events that wait at least: some tenths of a second of the fastest agent's work."""

POOL_EVENTS = 10_000
"""Made once and appended again and again: making them costs more than appending them."""

PAUSE_S = 0.02


class Feeder:
    """A feeder of a worker's topic that runs while it is entered."""

    def __init__(self, log: Log, committed: Callable[[], Awaitable[int]], spec: WorkerSpec, seed: int) -> None:
        self._log, self._committed = log, committed
        pool = payload.records(spec.topic, spec.partitions, POOL_EVENTS, seed)
        self._slices = [pool[at : at + payload.APPEND_RECORDS] for at in range(0, len(pool), payload.APPEND_RECORDS)]
        self._appended = 0
        self._over = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._feeding = asyncio.create_task(self._feed())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        await self._feeding

    def check(self) -> None:
        """Raise the error that ended the feeding, if there was one."""
        if self._feeding.done():
            self._feeding.result()

    def sent(self) -> Counter[str]:
        """Return how often each key was appended."""
        rounds, rest = divmod(self._appended, len(self._slices))
        total: Counter[str] = Counter()
        for number, one in enumerate(self._slices):
            times = rounds + (number < rest)
            for key, often in payload.counted(one).items():
                total[key] += times * often
        return +total

    async def _feed(self) -> None:
        while not self._over.is_set():
            waiting = self._appended * payload.APPEND_RECORDS - await self._committed()
            for _ in range(waiting, WAITING_MIN, payload.APPEND_RECORDS):
                await self._log.append(self._slices[self._appended % len(self._slices)])
                self._appended += 1
            await asyncio.sleep(PAUSE_S)
