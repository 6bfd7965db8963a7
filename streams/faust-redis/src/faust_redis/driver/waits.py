"""Waiting for a delivery inside of the event that it belongs to: it can never come, so it fails at once.

What an event produces is written in the event's commit, and that waits for the event to end. Who waits for whom is read
from asyncio's own books: a future's callbacks lead to the tasks that it wakes, whatever stands between (`gather`,
`wait`, `wait_for`, `shield`, task groups, other tasks).
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from faust.exceptions import FaustError
from faust.sensors.base import Sensor
from faust.sensors.monitor import Monitor
from faust.types import TP, EventT, FutureMessage, RecordMetadata, StreamT

from faust_redis.driver.dependencies import Source
from faust_redis.driver.limits import WAIT_POLL_S

if TYPE_CHECKING:
    from faust_redis.driver.fast_topics import Sent


class DeliveryAwaitedError(FaustError):
    """A delivery was awaited inside of the event whose commit brings it. Not waiting for it is all there is to do."""


@dataclass(slots=True)
class Runner:
    """A task that works on events, and the message of the one that it began last."""

    message: Any = None


class DriverSensor(Sensor):
    """A sensor of the driver's own, which an app need not know of."""


class Runners(DriverSensor):
    """Knows which task works on which event: a sensor, since Faust tells those in the task itself."""

    def __init__(self) -> None:
        super().__init__()
        self._runners: weakref.WeakKeyDictionary[Any, Runner] = weakref.WeakKeyDictionary()

    def on_stream_event_in(self, tp: TP, offset: int, stream: StreamT[Any], event: EventT[Any]) -> None:
        """A stream hands an event to the code that iterates it."""
        self.runner().message = event.message

    def runner(self) -> Runner:
        """Of the current task."""
        task = asyncio.current_task()
        runner = self._runners.get(task)
        if runner is None:
            runner = self._runners[task] = Runner()
        return runner

    def messages(self) -> list[Any]:
        """What tasks work on."""
        return [runner.message for runner in self._runners.values() if runner.message is not None]

    def event_of(self, task: Any) -> Source | None:
        """The event that a task has begun and not finished."""
        runner = self._runners.get(task)
        message = None if runner is None else runner.message
        return None if message is None or message.acked else (message.tp, message.offset)


def times_no_event(app: Any) -> bool:
    """Whether an app has no sensor that must be told of each event: none but Faust's monitor and ours."""
    return all(type(sensor) is Monitor or isinstance(sensor, DriverSensor) for sensor in app.sensors)


class Waits:
    """The deliveries of one producer's events, and whether an event waits for one that waits for it."""

    def __init__(self, committer: Any) -> None:
        self.runners = Runners()
        self._committer = committer

    def current(self) -> Source | None:
        """The event that the current task itself works on; None in a task that an event has started."""
        return self.runners.event_of(asyncio.current_task())

    def look_at(self, delivery: Delivery | Watched | Sent, source: Source, topic: str) -> None:
        """Fail a delivery that an event waits for without which it cannot come; look again while tasks wait for it."""
        if delivery.done():
            return
        tasks = list(waiting(delivery))
        for event in filter(None, map(self.runners.event_of, tasks)):
            if self._committer.dependencies.needs(source, event):
                delivery.fail(DeliveryAwaitedError(explanation(topic, source, event)))
                return
        if tasks:
            delivery.get_loop().call_later(WAIT_POLL_S, self.look_at, delivery, source, topic)


def explanation(topic: str, source: Source, event: Source) -> str:
    """What was awaited, why it cannot come, what to do."""
    (tp, offset), (other, below) = source, event
    where = "that same event" if source == event else f"{other} offset {below}, without which it cannot be committed,"
    return (
        f"the delivery of a record to {topic!r} was awaited in {where} and can never come: the record is written in "
        f"the commit of {tp} offset {offset}, which waits for the event to end. Do not await it inside of the event "
        "(the record is written with everything else the event did), or send it outside of events"
    )


class Watched(FutureMessage):
    """A message from `send_soon` inside of an event, which Faust has made: it only gets this class."""

    look: Any

    def add_done_callback(self, fn: Any, *, context: Any = None) -> None:
        """As in asyncio; whoever it is that begins to wait here is looked at in the loop's next turn."""
        super().add_done_callback(fn, context=context)
        self.get_loop().call_soon(self.look)

    def fail(self, error: BaseException) -> None:
        """Fail it for those who wait for it."""
        self.set_exception(error)


class Delivery(asyncio.Future[RecordMetadata]):
    """A delivery, told quietly when its record is dropped (its event failed, or will be processed again).

    Faust's own message future gets the error without the log calling it unhandled: nobody needs to handle it.
    """

    def __init__(self, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.look: Any = None
        self._faust: list[tuple[Any, FutureMessage]] = []

    def add_done_callback(self, fn: Any, *, context: Any = None) -> None:
        """As in asyncio; remembers Faust's callback and the message that it resolves."""
        is_faust = isinstance(fn, partial) and isinstance(fn.keywords.get("message"), FutureMessage)
        if is_faust:
            self._faust.append((fn, fn.keywords["message"]))
        super().add_done_callback(fn, context=context)
        if self.look is not None and not is_faust:  # nobody else has Faust's message
            self.get_loop().call_soon(self.look)

    def drop(self, error: BaseException) -> None:
        """Fail it quietly."""
        self.fail(error)
        self.exception()

    def fail(self, error: BaseException) -> None:
        """Fail it for those who wait for it, and Faust's message quietly."""
        for callback, message in self._faust:
            self.remove_done_callback(callback)
            if not message.done():
                message.set_exception(error)
                message.exception()
        self.set_exception(error)


def waiting(future: asyncio.Future[Any]) -> Iterator[Any]:
    """All tasks that wait for a future, directly or through others."""
    todo: list[Any] = [future]
    seen: set[int] = set()
    while todo:
        found = todo.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, asyncio.Task):
            yield found
        for callback, _ in getattr(found, "_callbacks", None) or ():
            todo += (each for each in _reached(callback) if asyncio.isfuture(each))


def _reached(callback: Any) -> Iterable[Any]:
    """What a callback may resolve: a task it wakes, or futures that it holds."""
    if isinstance(callback, partial):
        yield from (*callback.args, *callback.keywords.values())
        callback = callback.func
    for cell in getattr(callback, "__closure__", None) or ():
        yield cell.cell_contents
        yield from getattr(cell.cell_contents, "_getters", ())  # the queue of `as_completed`
    owner = getattr(callback, "__self__", None)
    yield owner
    if isinstance(owner, asyncio.TaskGroup):
        yield from vars(owner).values()
