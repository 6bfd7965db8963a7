"""The tasks that run while the process serves. When one of them dies, the process is not ready any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

END_S: Final = 2.0

logger = logging.getLogger(__name__)


class BackgroundTasks:
    """Tasks that run until they are stopped.

    Attributes:
        fault: Which task ended by itself; None while all run. Only a restart of the process starts the task again.
    """

    def __init__(self) -> None:
        self.fault: str | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Start a task."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._note_end)
        self._tasks.append(task)

    async def stop(self) -> None:
        """Cancel all tasks and wait for their ends."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        self.fault = f"the task {task.get_name()!r} of this process ended; restart the process"
        logger.error(self.fault, exc_info=task.exception())


async def uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """Await work. When the caller is cancelled, let the work end first, within `END_S`.

    A database call that is cut short breaks its connection, and its driver's thread outlives the event loop.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=END_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
