"""A steady trickle into every partition, and the times of its commits: the workers' pauses as the broker sees them."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from types import TracebackType
from typing import Self

from faust_redis.log import Log, Record, TopicPartition

TRICKLE_S = 0.005
"""A record goes to every partition so often: there always is work."""

WATCH_S = 0.002
"""How often committed offsets are looked at: the resolution of a pause."""


class Watch:
    """A trickle and a watcher that run while entered: they record when each partition's committed offset moved."""

    def __init__(self, log: Log, group: str, topic: str, partitions: int) -> None:
        self._log, self._group, self._topic, self._partitions = log, group, topic, partitions
        self._tasks: list[asyncio.Task[None]] = []
        self._moves: dict[int, list[float]] = {p: [time.monotonic()] for p in range(partitions)}

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._feed()), asyncio.create_task(self._look())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def moved(self, since: float) -> None:
        """Wait until every partition has committed after a moment (`time.monotonic`)."""
        while not all(moves[-1] > since for moves in self._moves.values()):
            for task in self._tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(WATCH_S)

    def longest_s(self, begin: float, end: float) -> float:
        """Return the longest time between two commits of one partition that overlaps with a span."""
        gaps = [
            after - before
            for moves in self._moves.values()
            for before, after in pairwise(moves)
            if after > begin and before < end
        ]
        return max(gaps)

    async def _feed(self) -> None:
        number = 0
        while True:
            number += 1
            await self._log.append(
                [Record(self._topic, p, b"%d" % (number % 100), b"x", 1) for p in range(self._partitions)]
            )
            await asyncio.sleep(TRICKLE_S)

    async def _look(self) -> None:
        seen: dict[TopicPartition, int] = {}
        while True:
            for tp, offset in (await self._log.committed(self._group)).items():
                if tp.topic == self._topic and seen.get(tp) != offset:
                    seen[tp] = offset
                    self._moves[tp.partition].append(time.monotonic())
            await asyncio.sleep(WATCH_S)
