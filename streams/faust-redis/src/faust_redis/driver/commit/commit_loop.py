"""Commit in a loop: commit again and again while events finish, and commit a single event at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from faust_redis.driver.commit.committer import Committer
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.limits import (
    COMMIT_LINGER_MS_MAX,
    COMMIT_LINGER_MS_MIN,
    COMMIT_RECORDS_ENOUGH,
    OFFSETS_REST_FACTOR,
    OFFSETS_REST_MS_MAX,
)
from faust_redis.log import FencedError, LogError, LogUnavailableError

IDLE_POLL_S = 1.0
"""How often the loop looks for something to write when no event has finished."""


class Finished(Protocol):
    """The finished events, as the commit loop waits for them."""

    has_finished: bool

    def next_finished(self) -> asyncio.Future[None]:
        """Return a future that is done when the next event finishes."""


class Host(Protocol):
    """The service that runs the loop."""

    @property
    def should_stop(self) -> bool:
        """Return whether the service is to stop."""

    async def crash(self, reason: BaseException) -> None:
        """End the worker with an error."""


class Sensors(Protocol):
    """The sensors that receive the beginning and the end of commits."""

    def commit_begun(self, consumer: Any) -> Any:
        """Report that a commit begins; return the state for `commit_finished`."""

    def commit_finished(self, consumer: Any, state: Any) -> None:
        """Report that the commit has ended."""


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
        self._took_s = self._ended_s = 0.0
        self._gathering: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Commit until the service is to stop."""
        clock = asyncio.get_running_loop().time
        while not self._host().should_stop:
            if not self._finished.has_finished:
                await asyncio.wait((self._finished.next_finished(),), timeout=IDLE_POLL_S)
            if self._host().should_stop:
                return
            await self._rest()
            await self._gather()
            began_s = clock()
            if await self.write_finished(COMMIT_RECORDS_ENOUGH):
                self._ended_s = clock()
                self._took_s = self._ended_s - began_s
                if self._tracker.committable():
                    self._finished.has_finished = True  # the next commit takes the rest, with events that finish now

    async def write_finished(self, leave: int = 0) -> bool:
        """Commit finished events; see `Committer.commit`. An error of the log ends the worker."""
        self._finished.has_finished = False
        if not self._tracker.committable() and not len(self._committer.pending):
            return await self._write(leave)  # this waits for a write in progress
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

    async def _rest(self) -> None:
        """Let finished events that changed nothing wait for others, for some time since the last commit."""
        clock = asyncio.get_running_loop().time
        until_s = self._ended_s + min(OFFSETS_REST_FACTOR * self._took_s, OFFSETS_REST_MS_MAX / 1000)
        while not len(self._committer.pending) and not self._host().should_stop and (left_s := until_s - clock()) > 0:
            await asyncio.wait((self._finished.next_finished(),), timeout=left_s)

    async def _gather(self) -> None:
        """Wait a few milliseconds for further events to finish, while agents are busy."""
        self._finished.has_finished = False
        if self._tracker.busy() and len(self._committer.pending) < COMMIT_RECORDS_ENOUGH:
            linger_ms = min(max(2000 * self._took_s, COMMIT_LINGER_MS_MIN), COMMIT_LINGER_MS_MAX)
            self._gathering = asyncio.get_running_loop().create_future()
            await asyncio.wait((self._gathering,), timeout=linger_ms / 1000)
            self._gathering = None

    def on_idle(self) -> None:
        """Note that an agent waits for events. When all agents wait, end the wait for further events."""
        if self._gathering is not None and not self._gathering.done() and not self._tracker.busy():
            self._gathering.set_result(None)
