"""What happens to the processes while people act: restarts and replacements, one after the other, as in an upgrade."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine
from typing import Any

from tests.community.servers.faults import Faults
from tests.versions.installation import VERSIONS, TwoVersions

Say = Callable[[str], None]


class Changes(Faults):
    """Changes one process every so many seconds, in turn."""

    def __init__(self, installation: TwoVersions, every_s: float, say: Say) -> None:
        """Create the changes.

        Args:
            installation: Whose processes change.
            every_s: Seconds from one change to the next.
            say: Prints a line for each change.
        """
        super().__init__(installation, seed=0, chance=1.0)
        self._two, self._every_s, self._say = installation, every_s, say
        self._next_s = time.monotonic() + every_s
        self._turns = itertools.cycle(self._steps())

    def _steps(self) -> list[Callable[[], Coroutine[Any, Any, str]]]:
        """Return the changes in their order. Each returns what it did."""

        def worker(version: str, *, killed: bool) -> Callable[[], Coroutine[Any, Any, str]]:
            async def change() -> str:
                await self._two.restart_worker(version, killed=killed)
                return f"{'kill' if killed else 'stop'} the {version} worker, and start it again"

            return change

        async def gateway() -> str:
            return f"replace the gateway by the {await self._two.replace_gateway()} one"

        async def relay() -> str:
            return f"replace the relay by the {await self._two.replace_relay()} one"

        stops = [worker(version, killed=False) for version in VERSIONS]
        kills = [worker(version, killed=True) for version in VERSIONS]
        return [*stops, gateway, *kills, relay]

    def disturb(self) -> None:
        """Begin the next change when it is time, unless one is under way."""
        if self._running or time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + self._every_s
        task = asyncio.get_running_loop().create_task(self._change(next(self._turns)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def settle(self) -> None:
        """Wait until the change that is under way is over.

        Raises:
            AssertionError: a process did not stop by itself.
        """
        for task in list(self._running):
            await task

    async def _change(self, change: Callable[[], Coroutine[Any, Any, str]]) -> None:
        what = await change()
        self.counts[what] += 1
        self._say(what)
