"""Send heartbeats in virtual time, from a task instead of the library's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import cast

from faust_redis.log import LogUnavailableError, MemberState
from faust_redis.log.groups import Groups
from faust_redis.testing.client import SimulatedLog
from faust_redis.testing.loop import ProcessLoop


class VirtualGroups(Groups):
    """Run the production client of groups with heartbeats from a task of the worker.

    The library uses a thread, because a busy event loop could miss a heartbeat. A virtual loop is never busy.
    """

    def __init__(self, log: SimulatedLog) -> None:
        super().__init__(log)
        self._listeners = log.client.network.listeners

    def start_heartbeat(
        self,
        group: str,
        member: str,
        *,
        interval_s: float,
        stuck_s: float,
        report: Callable[[MemberState], None],
    ) -> VirtualHeartbeat:
        """Renew a member's lease from now on."""
        loop = cast("ProcessLoop", asyncio.get_running_loop())
        notice = asyncio.Event()
        self._listeners[member] = lambda: loop.turn(notice.set)
        return VirtualHeartbeat(lambda: self.heartbeat(group, member), interval_s, notice, report)


class VirtualHeartbeat:
    """Send heartbeats at an interval and at every announcement of the group."""

    def __init__(
        self,
        beat: Callable[[], Awaitable[MemberState]],
        interval_s: float,
        notice: asyncio.Event,
        report: Callable[[MemberState], None],
    ) -> None:
        self._beat, self._interval_s, self._notice, self._report = beat, interval_s, notice, report
        self._beating = asyncio.get_running_loop().create_task(self._run())

    def end(self) -> None:
        """Stop the heartbeats."""
        self._beating.cancel()

    async def _run(self) -> None:
        while True:
            self._notice.clear()
            try:
                self._report(await self._beat())
            except LogUnavailableError:
                await asyncio.sleep(min(1.0, self._interval_s))
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._notice.wait(), self._interval_s)
