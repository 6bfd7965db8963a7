"""Ends a task for sure."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_S = 0.05


async def cancel_and_wait(task: asyncio.Future[Any]) -> None:
    """Cancel a task and wait until it is over; does not raise what it raised.

    Once is not enough: redis-py takes a cancellation that comes while it looks whether a connection is alive for a
    timeout of its own (`can_read_destructive`), and goes on.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_S)
    if not task.cancelled():
        task.exception()
