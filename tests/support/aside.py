"""Run a coroutine, or a function that runs one, beside a running event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

LIMIT_S = 60.0


def run_aside(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in an event loop of its own, whether or not this thread runs one.

    Raises:
        TimeoutError: the coroutine did not end within a minute. A time-out of the test could not interrupt it.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asyncio.wait_for(coroutine, LIMIT_S)).result()


def call_aside(function: Callable[[], T]) -> T:
    """Return what a function returns that runs an event loop of its own, whether or not this thread runs one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function).result()
