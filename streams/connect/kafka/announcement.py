"""Announce the bridge in the log as the member of a group, so that its state can be looked up like a worker's."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress

from faust_redis.log import Log, LogError

from streams.connect.kafka.forwarder import GROUP

ANNOUNCE_INTERVAL_S = 1.0
LEASE_MS = 6_000


class Announcement:
    """Says that the bridge is alive and which partitions it skips. A repair waits until the bridge has stopped."""

    def __init__(self, log: Log, damages: Callable[[], Iterable[BaseException]]) -> None:
        self.log = log
        self.member = f"bridge-{secrets.token_hex(4)}"
        self._damages = damages

    async def run(self) -> None:
        """Announce the bridge until cancelled, then withdraw the announcement.

        Raises:
            LogError: the log cannot be reached.
        """
        try:
            while True:
                await self._announce(LEASE_MS)
                await asyncio.sleep(ANNOUNCE_INTERVAL_S)
        finally:
            with suppress(LogError):
                await self._announce(0)

    async def _announce(self, lease_ms: int) -> None:
        damaged = sorted(map(str, self._damages()))
        status = json.dumps({"generation": 0, "recovered": True, "damaged": damaged})
        await self.log.groups.announce(
            GROUP, self.member, lease_ms=lease_ms, generation=0, state="stable", status=status
        )
