"""Track which task processes which event. This is a sensor, because Faust calls sensors within the task."""

from __future__ import annotations

import asyncio
import weakref
from dataclasses import dataclass
from typing import Any

from faust.types import TP, EventT, StreamT

from faust_redis.driver.source import Source
from faust_redis.driver.telemetry import DriverSensor


@dataclass(slots=True)
class EventTask:
    """A task that processes events, with the message of the event or batch that it began last."""

    message: Any = None


class EventTasks(DriverSensor):
    """All tasks of an app that process events."""

    def __init__(self) -> None:
        super().__init__()
        self._by_task: weakref.WeakKeyDictionary[Any, EventTask] = weakref.WeakKeyDictionary()

    def on_stream_event_in(self, tp: TP, offset: int, stream: StreamT[Any], event: EventT[Any]) -> None:
        """Note the event that a stream hands to the current task."""
        self.current().message = event.message

    def current(self) -> EventTask:
        """Return the entry of the current task."""
        task = asyncio.current_task()
        entry = self._by_task.get(task)
        if entry is None:
            entry = self._by_task[task] = EventTask()
        return entry

    def messages(self) -> list[Any]:
        """Return the messages that tasks are processing."""
        return [entry.message for entry in self._by_task.values() if entry.message is not None]

    def event_of(self, task: Any) -> Source | None:
        """Return the event that a task has begun and not finished; None when there is none."""
        entry = self._by_task.get(task)
        message = None if entry is None else entry.message
        return None if message is None or message.acked else (message.tp, message.offset)

    def current_event(self) -> Source | None:
        """Return the event that the current task processes; None in a task that an agent has started."""
        return self.event_of(asyncio.current_task())
