"""The registry of live services: each process renews a lease by the server's time, and says what it is.

A process that is killed or paused disappears when its lease is over. Knows Redis and the keys of the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from faust_redis.log.client import Log
from faust_redis.log.scripts import SERVICE


class LiveService(NamedTuple):
    """A process that holds a lease.

    Attributes:
        name: The name under which it renews the lease.
        lease_ms: Milliseconds until its lease ends, unless it is renewed.
        description: What the process said of itself at the last renewal.
    """

    name: str
    lease_ms: int
    description: Mapping[str, Any]


class Services:
    """Client of the registry of one namespace. All methods raise `LogUnavailableError` as those of `Log` do."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def renew(self, name: str, description: Mapping[str, Any], *, lease_ms: int) -> None:
        """Say that a process lives and what it is now. It counts as alive for `lease_ms`."""
        if lease_ms <= 0:
            raise ValueError(f"expected a lease above 0 ms, got {lease_ms}")
        await self._run(name, lease_ms, orjson.dumps(description))

    async def withdraw(self, name: str) -> None:
        """Say that a process ends, so that it disappears at once."""
        await self._run(name, 0, b"")

    async def live(self) -> list[LiveService]:
        """Return the services whose leases last, by name, as of one moment."""
        key = self._log.keys.services
        (seconds, micros), leases, descriptions = await self._log.at_once(
            ("TIME",), ("ZRANGE", f"{key}:leases", 0, -1, "WITHSCORES"), ("HGETALL", key)
        )
        now_ms = seconds * 1_000 + micros // 1_000
        left_ms = {
            name: int(float(until_ms)) - now_ms for name, until_ms in zip(leases[::2], leases[1::2], strict=True)
        }
        return [
            LiveService(name.decode(), left, orjson.loads(descriptions[name]))
            for name, left in sorted(left_ms.items())
            if left >= 0 and name in descriptions
        ]

    async def _run(self, name: str, lease_ms: int, description: bytes) -> None:
        await self._log.run(SERVICE, [self._log.keys.services], [name, lease_ms, description])
