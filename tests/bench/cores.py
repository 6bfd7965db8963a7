"""Give measured workers a core of their own, so that the load and its reader do not take turns with them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_core_apart(wanted: bool = True) -> Iterator[int | None]:
    """Keep this thread, and the processes that it starts, off one core.

    Yields:
        The core; None when it is not wanted, or when there is only one core.
    """
    allowed = os.sched_getaffinity(0)
    if not wanted or len(allowed) == 1:
        yield None
        return
    apart = max(allowed)
    os.sched_setaffinity(0, allowed - {apart})
    try:
        yield apart
    finally:
        os.sched_setaffinity(0, allowed)


def move(pids: Iterable[int], core: int) -> None:
    """Run all threads of processes on one core only."""
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})
