"""Threads for work that computes for long. Refuse a call when so many wait that its client would give up first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class BusyError(Exception):
    """Too much of this work waits. The message may be shown to the caller."""


class BoundedThreads:
    """A number of threads, and a number of calls that they have or that wait for them."""

    def __init__(self, name: str, *, threads: int, calls_max: int, busy: str) -> None:
        """Start no thread yet. `busy` is the message when there are too many calls."""
        self._threads = ThreadPoolExecutor(threads, name)
        self._calls_max = calls_max
        self._busy = busy
        self._calls = 0

    async def run(self, call: Callable[[], T]) -> T:
        """Run a call in a thread and return its result.

        Raises:
            BusyError: too many calls wait.
        """
        if self._calls >= self._calls_max:
            raise BusyError(self._busy)
        self._calls += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        finally:
            self._calls -= 1

    def close(self) -> None:
        """End the threads, and drop calls that wait."""
        self._threads.shutdown(wait=False, cancel_futures=True)
