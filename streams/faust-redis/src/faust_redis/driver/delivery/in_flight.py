"""Track the events in flight: which copies count, which events have finished, and which events depend on others."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping, MutableSet
from typing import Any, Protocol

from faust.types import TP, Message

from faust_redis.driver.commit.dependencies import Dependencies
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.delivery.batches import BatchMessage, offsets_of
from faust_redis.driver.event_tasks import EventTasks
from faust_redis.driver.source import Source

GENERATION_NONE = -1
"""The generation of a disowned copy of an event.

Streams skip such a copy. The driver refuses its writes and ignores its acks and errors."""


class Generation(Protocol):
    """The generation of the present assignment. Faust's app implements this."""

    consumer_generation_id: int


class InFlight:
    """The events in flight of one worker.

    Attributes:
        unacked: Messages that Faust's own streams have begun. Faust adds the messages.
        alone: Events of failed batches, which agents must process one at a time.
        has_finished: Whether events have finished since the last commit began.
    """

    def __init__(
        self, generation: Generation, tracker: OffsetTracker, dependencies: Dependencies, tasks: EventTasks
    ) -> None:
        self._generation = generation
        self._tracker = tracker
        self._dependencies = dependencies
        self.tasks = tasks
        self.unacked: MutableSet[Any] = weakref.WeakSet()
        self.alone: set[Source] = set()
        self.has_finished = False
        self._next_finished: asyncio.Future[None] | None = None

    def counts(self, message: Any) -> bool:
        """Return whether a copy of an event belongs to this worker's present assignment."""
        return message.tp in self._tracker and message.generation_id == self._generation.consumer_generation_id

    def messages(self) -> list[Any]:
        """Return the messages of the events that agents are processing."""
        running = [message for message in self.tasks.messages() if not message.acked]
        return [*self.unacked, *running]

    # --- finishing ----------------------------------------------------------------------------------------------------

    def ack(self, message: Message) -> bool:
        """Note an event as finished if an agent of this generation processed it; return whether that is so.

        Faust also acks events that it skips: events of an older generation, and events that were still in a queue at a
        rebalance (not `tracked`). These are not finished; their owner will process them again.
        """
        is_current = message.generation_id == self._generation.consumer_generation_id
        counts = message.tracked and is_current and not message.acked
        message.acked = True
        if self.unacked:
            self.unacked.discard(message)
        if counts:
            self._finish(message)
        return counts

    def done(self, message: Message) -> bool:
        """Note that one agent has processed a message; return whether this finishes the message."""
        if message.acked:
            return False
        message.refcount -= 1
        assert message.refcount >= 0, f"{message.tp} offset {message.offset} was finished more often than delivered"
        return message.refcount == 0 and self.ack(message)

    def finish(self, message: Message) -> None:
        """Finish an event although agents may still process it, because its dead letter replaces all its effects."""
        self.disown(message)
        self._finish(message)

    def _finish(self, message: Message) -> None:
        if isinstance(message, BatchMessage):
            self._tracker.finish(message.tp, offsets_of(message))
        else:
            self._tracker.finish_one(message.tp, message.offset)
        self._notify_finished()

    def skip(self, tp: TP, begin: int, end: int) -> None:
        """Finish consecutive delivered events that no agent needs."""
        self._tracker.finish_run(tp, begin, end)
        self._notify_finished()

    def finish_acked(self, tp: TP, offset: int) -> None:
        """Finish an event of this generation that one of Faust's own streams has acked."""
        self._tracker.finish_one(tp, offset)
        self._notify_finished()

    def _notify_finished(self) -> None:
        self.has_finished = True
        if self._next_finished is not None and not self._next_finished.done():
            self._next_finished.set_result(None)

    def next_finished(self) -> asyncio.Future[None]:
        """Return a future that completes when the next event finishes. Do not cancel it: several callers share it."""
        if self._next_finished is None or self._next_finished.done():
            self._next_finished = asyncio.get_running_loop().create_future()
        return self._next_finished

    def disown(self, message: Any) -> None:
        """Disregard everything that this copy of an event does from now on."""
        message.acked = True
        message.generation_id = GENERATION_NONE
        self.unacked.discard(message)

    def forget_waiting(self, message: Any) -> None:
        """Ignore the ack of an event that still waits in a queue, because the event will be delivered again."""
        message.acked = True
        self.unacked.discard(message)

    def clean(self) -> None:
        """Forget messages that were acked without this class."""
        for message in [message for message in self.unacked if message.acked]:
            self.unacked.discard(message)

    def clear(self) -> None:
        """Forget all events at the end of a generation, and ignore their later acks."""
        for message in self.messages():
            message.acked = True
        self.unacked.clear()
        self.alone.clear()

    # --- dependencies -------------------------------------------------------------------------------------------------

    def builds_on(self, message: Any, base: Source) -> None:
        """Note that an event read or overwrote another event's uncommitted table row."""
        is_current = message.generation_id == self._generation.consumer_generation_id
        if is_current and not self._is_settled(base, message):
            self._dependencies.add(message, base)

    def _is_settled(self, base: Source, message: Any) -> bool:
        """Return whether the commits have the right order without a recorded dependency.

        We record no dependency on a committed event, nor on an earlier event of the same partition that has finished
        and depends on nothing uncommitted.
        """
        tp, offset = base
        is_earlier = offset < message.offset and tp == message.tp
        if is_earlier and self._tracker.is_finished(tp, offset) and base not in self._dependencies:
            return True
        return self.is_committed(base)

    def is_committed(self, source: Source | None) -> bool:
        """Return whether an event is committed, or belongs to another generation."""
        return source is None or source[0] not in self._tracker or source[1] < self._tracker.committed(source[0])

    def note_committed(self, offsets: Mapping[TP, int]) -> None:
        """Remove events below committed offsets from `alone`."""
        if self.alone:
            self.alone = {(tp, offset) for tp, offset in self.alone if offset >= offsets.get(tp, 0)}
