"""Run the app of one domain in a thread with its own event loop, and restart it after a crash.

A domain that blocks its event loop therefore blocks no other domain of the process
(docs/decisions/0016-a-thread-for-each-domain.md).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

import uvloop
from faust_redis.log import ResizedError
from mode import Service
from mode.types import ServiceT

from streams.handling import DOMAIN
from streams.process_metrics import Observe, watch_loop

BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MAX_S: Final = 15.0
STEADY_S: Final = 30.0
"""The back-off begins again at its minimum after an app ran this long."""

STOP_S: Final = 15.0
"""How long an app may take to stop."""

logger = logging.getLogger(__name__)


class DomainCrashedError(Exception):
    """The app of a domain ended without a request to stop."""


class _Root(Service):
    """The root of one domain's services. It crashes when one of them does."""

    def __init__(self, services: Iterable[ServiceT]) -> None:
        super().__init__()
        self._services = tuple(services)

    def on_init_dependencies(self) -> Sequence[ServiceT]:
        """Return the services to start and stop with this one."""
        return self._services


async def _nothing() -> None:
    """Prepare nothing."""


async def _is_done_before(stop_request: asyncio.Future[bool], preparation: Awaitable[None]) -> bool:
    """Await a preparation. Cancel it and return False when a request to stop comes first."""
    preparing = asyncio.ensure_future(preparation)
    either: set[asyncio.Future[Any]] = {preparing, stop_request}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if preparing.done():
        preparing.result()
        return True
    preparing.cancel()
    await asyncio.gather(preparing, return_exceptions=True)
    return False


class DomainThread:
    """One domain's app in a thread of its own, kept running until it is asked to stop."""

    def __init__(
        self,
        slot: str,
        domain: str,
        services: Callable[[], Iterable[ServiceT]],
        prepare: Callable[[], Awaitable[None]] = _nothing,
        observe: Observe = lambda _: None,
    ) -> None:
        """Prepare the thread.

        Args:
            slot: The name of the worker process.
            domain: The name of the domain.
            services: Builds the app and the services beside it. The thread calls this at each start.
            prepare: Awaited before `services` at each start.
            observe: Takes the delay of the event loop.
        """
        self.domain = domain
        self.is_running = False
        """Whether an app runs. False while the thread waits to restart it after a crash."""
        self.turned_s = time.monotonic()
        """When the event loop turned last, by the monotonic clock, in seconds."""
        self.cpu_s = 0.0
        """The CPU seconds that the thread had used then."""
        self._thread = threading.Thread(target=self._run, name=f"{slot}/{domain}", daemon=True)
        self._services = services
        self._prepare = prepare
        self._observe = observe
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._wake: Callable[[], object] | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def ended(self, within_s: float) -> bool:
        """Wait for the thread to end, at most `within_s` seconds. Return whether it has ended."""
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def ask(self) -> None:
        """Ask the domain to stop, without waiting."""
        self._stopping.set()
        with self._lock:
            if self._wake is not None:
                self._wake()

    def _run(self) -> None:
        """Run the app; after a crash run a new one, with back-off."""
        DOMAIN.set(self.domain)
        pause_s = BACKOFF_FIRST_S
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(self._live())
            except BaseException as exc:  # a SystemExit ends this run of the app, but not the thread
                if self._stopping.is_set():
                    logger.exception("domain %s failed while it stopped", self.domain)
                    return
                if time.monotonic() - started > STEADY_S:
                    pause_s = BACKOFF_FIRST_S
                self._note(exc, pause_s)
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, BACKOFF_MAX_S)

    def _note(self, exc: BaseException, pause_s: float) -> None:
        if isinstance(exc.__cause__, ResizedError):
            logger.info("domain %s starts again with the new partitions", self.domain)
        else:
            logger.error("domain %s crashed; it starts again in %g s", self.domain, pause_s, exc_info=exc)

    async def _live(self) -> None:
        """Run one app until it crashes or the thread is asked to stop."""
        stop_request = self._listen()
        self._turned()
        beating = asyncio.create_task(watch_loop(self._turned))
        try:
            if await _is_done_before(stop_request, self._prepare()):
                await self._serve(stop_request)
        finally:
            for task in (stop_request, beating):
                task.cancel()
            await asyncio.gather(stop_request, beating, return_exceptions=True)
            self.is_running = False

    async def _serve(self, stop_request: asyncio.Task[bool]) -> None:
        root = _Root(self._services())
        starting = asyncio.ensure_future(root.start())
        ended = asyncio.ensure_future(root.wait_until_stopped())
        try:
            await asyncio.wait({starting, ended, stop_request}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await asyncio.wait({ended, stop_request}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._stop(root)
            for task in (starting, ended):
                task.cancel()
            await asyncio.gather(starting, ended, return_exceptions=True)
        if not self._stopping.is_set():
            raise DomainCrashedError(f"{self.domain} ended unexpectedly") from root.crash_reason

    def _turned(self, delay_s: float = 0.0) -> None:
        """Record that the event loop turns, and how late."""
        self.turned_s, self.cpu_s = time.monotonic(), time.thread_time()
        self.is_running = True
        self._observe(delay_s)

    def _listen(self) -> asyncio.Task[bool]:
        """Return a task that ends as soon as the thread is asked to stop."""
        event, loop = asyncio.Event(), asyncio.get_running_loop()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed because this run of the app has ended
                loop.call_soon_threadsafe(event.set)

        with self._lock:
            self._wake = wake
        if self._stopping.is_set():
            event.set()
        return asyncio.create_task(event.wait())

    async def _stop(self, root: Service) -> None:
        stopping = asyncio.ensure_future(root.stop())
        await asyncio.wait({stopping}, timeout=STOP_S)
        if stopping.done():
            stopping.result()
            return
        stopping.cancel()
        logger.error("domain %s did not stop within %g s; unfinished events come again", self.domain, STOP_S)
