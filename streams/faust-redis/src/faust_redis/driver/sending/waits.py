"""Fail a delivery when its own event awaits it, because it would never complete.

The commit of an event writes its records, but this commit waits for the event to end.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from faust.exceptions import FaustError
from faust.types import FutureMessage, RecordMetadata

from faust_redis.driver.commit.dependencies import Dependencies
from faust_redis.driver.event_tasks import EventTasks
from faust_redis.driver.faust_internals import tasks_waiting_for
from faust_redis.driver.limits import WAIT_POLL_S
from faust_redis.driver.source import Source


class DeliveryAwaitedError(FaustError):
    """A delivery was awaited in the event whose commit writes its record. Do not wait for it there."""


class Waits:
    """Checks which tasks wait for the deliveries of events."""

    def __init__(self, dependencies: Dependencies, tasks: EventTasks) -> None:
        self._dependencies = dependencies
        self._tasks = tasks

    def current(self) -> Source | None:
        """Return the event that the current task processes; None in a task that an agent has started."""
        return self._tasks.current_event()

    def look_at(self, delivery: Any, source: Source, topic: str) -> None:
        """Fail a delivery when an event awaits it that must end first; check again while tasks wait for it."""
        if delivery.done():
            return
        tasks = list(tasks_waiting_for(delivery))
        for event in filter(None, map(self._tasks.event_of, tasks)):
            if self._dependencies.needs(source, event):
                delivery.fail(DeliveryAwaitedError(explanation(topic, source, event)))
                return
        if tasks:
            delivery.get_loop().call_later(WAIT_POLL_S, self.look_at, delivery, source, topic)


def explanation(topic: str, source: Source, event: Source) -> str:
    """Return an error message that names the delivery, the waiting event, the reason and the remedy."""
    (tp, offset), (other, below) = source, event
    where = "that same event" if source == event else f"{other} offset {below}, without which it cannot be committed,"
    return (
        f"the delivery of a record to {topic!r} was awaited in {where} and can never come: the record is written in "
        f"the commit of {tp} offset {offset}, which waits for the event to end. Do not await it inside of the event "
        "(the record is written with everything else the event did), or send it outside of events"
    )


class WatchedMessage(FutureMessage):
    """A message from `send_soon` inside an event. Faust creates it, and the driver changes its class."""

    look: Any

    def add_done_callback(self, fn: Any, *, context: Any = None) -> None:
        """Add a callback as asyncio does. In the loop's next turn, the driver checks which task began to wait."""
        super().add_done_callback(fn, context=context)
        self.get_loop().call_soon(self.look)

    def fail(self, error: BaseException) -> None:
        """Fail the message for the tasks that wait for it."""
        self.set_exception(error)


class DeliveryFuture(asyncio.Future[RecordMetadata]):
    """The outcome of a send. It fails without a log message when the driver drops its record.

    Faust's own message future gets the error too, and asyncio does not log it as unhandled.
    """

    def __init__(self, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.look: Any = None
        self._faust: list[tuple[Any, FutureMessage]] = []

    def add_done_callback(self, fn: Any, *, context: Any = None) -> None:
        """Add a callback as asyncio does; remember Faust's callback and the message that it resolves."""
        is_faust = isinstance(fn, partial) and isinstance(fn.keywords.get("message"), FutureMessage)
        if is_faust:
            self._faust.append((fn, fn.keywords["message"]))
        super().add_done_callback(fn, context=context)
        if self.look is not None and not is_faust:  # only Faust has its message
            self.get_loop().call_soon(self.look)

    def drop(self, error: BaseException) -> None:
        """Fail the delivery without a log message of asyncio."""
        self.fail(error)
        self.exception()

    def fail(self, error: BaseException) -> None:
        """Fail the delivery for the tasks that wait for it, and Faust's message without a log message."""
        for callback, message in self._faust:
            self.remove_done_callback(callback)
            if not message.done():
                message.set_exception(error)
                message.exception()
        self.set_exception(error)
