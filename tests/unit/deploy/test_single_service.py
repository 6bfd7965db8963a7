"""A service runs until a signal, and an end without one is an error."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from deploy.run.single_service import run_until_signal


async def cancel_itself() -> None:
    """Do what a bug in a library does."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(60)


async def test_work_that_is_cancelled_without_a_signal_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="without a signal"):
        await run_until_signal(cancel_itself())


async def test_a_signal_ends_the_work() -> None:
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await run_until_signal(asyncio.sleep(60))


async def test_an_outer_cancellation_passes_through() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await run_until_signal(asyncio.sleep(60))
