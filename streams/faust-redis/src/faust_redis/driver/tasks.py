"""Wait for tasks and end them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

AGAIN_S = 0.05
"""Pause before a task that ignored its cancellation is cancelled again."""


async def cancel_and_wait(task: asyncio.Future[Any]) -> None:
    """Cancel a task and wait until it ends. An error of the task is not raised.

    One cancellation is not enough. While redis-py checks whether a connection is alive (`can_read_destructive`), it
    takes a cancellation for its own timeout and continues.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_S)
    if not task.cancelled():
        task.exception()


async def wait_first(*waits: Coroutine[Any, Any, Any], timeout_s: float) -> None:
    """Wait until the first of several coroutines ends or the time is over; cancel the others.

    Raises:
        Exception: the error of a coroutine that failed first.
    """
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        task.result()


def retrieve_error(task: asyncio.Future[Any]) -> None:
    """Retrieve a task's exception, so that asyncio does not log it as unhandled when its caller was cancelled."""
    if not task.cancelled():
        task.exception()
