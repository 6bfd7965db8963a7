"""The commit loop: one commit follows another while events finish; a single event is committed at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from faust_redis.driver.commit.committer import Committer
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.limits import COMMIT_LINGER_MS_MAX, COMMIT_LINGER_MS_MIN, COMMIT_RECORDS_ENOUGH
from faust_redis.log import FencedError, LogError, LogUnavailableError

IDLE_POLL_S = 1.0
"""How often the loop looks for something to write when no event has finished."""


class Finished(Protocol):
    """Tells when events finish."""

    has_finished: bool

    def next_finished(self) -> asyncio.Future[None]:
        """Return a future that is done when the next event finishes."""


class Host(Protocol):
    """The service that the loop runs in."""

    @property
    def should_stop(self) -> bool:
        """Whether the service is to stop."""

    async def crash(self, reason: BaseException) -> None:
        """End the worker with an error."""


class Sensors(Protocol):
    """Sensors that are told of commits."""

    def commit_begun(self, consumer: Any) -> Any:
        """Tell that a commit begins."""

    def commit_finished(self, consumer: Any, state: Any) -> None:
        """Tell that it has ended."""


class CommitLoop:
    """Decides when to commit."""

    def __init__(
        self,
        committer: Committer,
        tracker: OffsetTracker,
        finished: Finished,
        host: Callable[[], Host],
        sensors: Sensors,
    ) -> None:
        self._committer = committer
        self._tracker = tracker
        self._finished = finished
        self._host = host
        self._sensors = sensors
        self._took_s = 0.0
        self._gathering: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Commit until the service is to stop."""
        clock = asyncio.get_running_loop().time
        while not self._host().should_stop:
            if not self._finished.has_finished:
                await asyncio.wait((self._finished.next_finished(),), timeout=IDLE_POLL_S)
            if self._host().should_stop:
                return
            await self._gather()
            began_s = clock()
            if await self.write_finished(COMMIT_RECORDS_ENOUGH) and self._tracker.committable():
                self._finished.has_finished = True  # a few are left for those that finish now to join
            self._took_s = clock() - began_s

    async def write_finished(self, leave: int = 0) -> bool:
        """Commit what is finished; see `Committer.commit`. An error of the log ends the worker."""
        self._finished.has_finished = False
        if not self._tracker.committable() and not len(self._committer.pending):
            return await self._write(leave)  # waits for a write under way
        host = self._host()
        state = self._sensors.commit_begun(host)
        try:
            return await self._write(leave)
        finally:
            self._sensors.commit_finished(host, state)

    async def _write(self, leave: int) -> bool:
        try:
            return await self._committer.commit(leave)
        except LogUnavailableError:
            return False
        except LogError as exc:
            if not isinstance(exc, FencedError):
                await self._host().crash(exc)
            return False

    async def _gather(self) -> None:
        """Wait a few milliseconds for further events to finish, while agents have something to do."""
        self._finished.has_finished = False
        if self._tracker.busy() and len(self._committer.pending) < COMMIT_RECORDS_ENOUGH:
            linger_ms = min(max(2000 * self._took_s, COMMIT_LINGER_MS_MIN), COMMIT_LINGER_MS_MAX)
            self._gathering = asyncio.get_running_loop().create_future()
            await asyncio.wait((self._gathering,), timeout=linger_ms / 1000)
            self._gathering = None

    def on_idle(self) -> None:
        """An agent waits for events. When all of them do, a commit has nothing left to wait for."""
        if self._gathering is not None and not self._gathering.done() and not self._tracker.busy():
            self._gathering.set_result(None)
