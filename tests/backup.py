"""A backup of the broker's log: tests restore an earlier state while workers still know a later one."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast

from faust_redis.log import Log

Backup = dict[bytes, bytes]


async def dump(log: Log) -> Backup:
    """Return a dump of all keys of the log."""
    return {key: await cast("Awaitable[bytes]", log.redis.dump(key)) for key in await _keys(log)}


async def restore(log: Log, backup: Backup) -> None:
    """Replace the log's keys with a dump in one transaction, so that no client sees a log in between."""
    keys = await _keys(log)
    async with log.redis.pipeline(transaction=True) as pipe:
        pipe.delete(*keys)
        for key, value in backup.items():
            pipe.restore(key, 0, value)
        await pipe.execute()


async def _keys(log: Log) -> list[bytes]:
    return [key async for key in log.redis.scan_iter(match=log.keys.prefix + "*")]
