"""What a change costs while it happens: pauses of partitions, and requests that got no answer."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from types import TracebackType
from typing import Self

import httpx
from faust_redis.log import Log, LogError

from streams import topics
from streams.topics import NAMESPACE
from tables.domains import TOPOLOGY
from tests.bench.group_progress import APP_ID
from tests.e2e.pipeline import NO_TLS

WATCHED = {
    "trading": topics.TRADING_COMMANDS,
    "gamification": topics.TRADING_EVENTS,
    "financial": topics.TRADING_EVENTS,
}
"""Two domains with two workers and one with one, and the topic of each that has records while fills arrive."""
LOOK_EVERY_S = 0.05
REQUEST_EVERY_S = 0.05
REQUEST_S = 60.0
"""A slow answer is none that failed: the machine may be busy."""


class _Background(ABC):
    """Runs a coroutine in a thread while the block runs. The coroutine ends when `_stop` is set."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    @abstractmethod
    async def _work(self) -> None: ...


class Pauses(_Background):
    """Measure while the block runs how long each partition had records and committed none. Reading runs in a thread."""

    def __init__(self, broker_url: str) -> None:
        self._url = broker_url
        super().__init__()
        self._moved: dict[tuple[str, int], tuple[int, float]] = {}
        self.longest: dict[tuple[str, int], float] = defaultdict(float)

    def summary(self) -> str:
        """Return the longest pause of each partition, by domain, in seconds."""
        lines = []
        for domain in WATCHED:
            found = [f"{s:.1f}" for (name, _), s in sorted(self.longest.items()) if name == domain]
            lines.append(f"{domain} {' '.join(found) or 'none'}")
        return "longest pause of each partition, in seconds: " + "; ".join(lines)

    async def _work(self) -> None:
        async with Log(self._url, NAMESPACE) as log:
            while not self._stop.is_set():
                try:
                    for domain, topic in WATCHED.items():
                        await self._look(log, domain, topic)
                except LogError:
                    pass  # the broker is away: the pause goes on
                await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self, log: Log, domain: str, topic: str) -> None:
        committed = await log.committed(TOPOLOGY.group(APP_ID, domain))
        offsets = {tp.partition: offset for tp, offset in committed.items() if tp.topic == topic}
        for partition, end in (await log.end_offsets(topic)).items():
            self._note(domain, partition, offsets.get(partition, 0), end)

    def _note(self, domain: str, partition: int, offset: int, end: int) -> None:
        now, key = time.monotonic(), (domain, partition)
        before, since = self._moved.get(key, (-1, now))
        if offset != before or offset >= end:
            self.longest[key] = max(self.longest[key], now - since if before >= 0 else 0.0)
            since = now
        self._moved[key] = (offset, since)


class Requests(_Background):
    """Ask the gateway on a schedule, each time over a new connection, and count what got no answer of 200."""

    def __init__(self, url: str) -> None:
        self._url = url
        super().__init__()
        self.sent = 0
        self.failed: list[str] = []

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while not self._stop.is_set():
                tasks.create_task(self._ask())
                await asyncio.sleep(REQUEST_EVERY_S)

    async def _ask(self) -> None:
        self.sent += 1
        try:
            async with httpx.AsyncClient(base_url=self._url, timeout=REQUEST_S, verify=NO_TLS) as client:
                answer = await client.get("/v1/stats")
            if answer.status_code != httpx.codes.OK:
                self.failed.append(str(answer.status_code))
        except httpx.HTTPError as error:
            self.failed.append(type(error).__name__)
