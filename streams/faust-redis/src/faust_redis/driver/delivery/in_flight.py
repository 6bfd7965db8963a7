"""The events in flight: which of them count, which are finished, which build on which."""

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
"""Of a copy of an event that does not count: streams skip it, its writes are refused, its acks and errors ignored."""


class Generation(Protocol):
    """Knows the generation of the present assignment: Faust's app."""

    consumer_generation_id: int


class InFlight:
    """What agents of one worker work on.

    Attributes:
        unacked: Messages that Faust's own streams have begun; Faust adds to it.
        alone: Events of failed batches: not to be taken together with others.
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
        """Return whether a copy of an event is this worker's to deal with, and not its new owner's."""
        return message.tp in self._tracker and message.generation_id == self._generation.consumer_generation_id

    def messages(self) -> list[Any]:
        """Return the messages of events that agents work on."""
        running = [message for message in self.tasks.messages() if not message.acked]
        return [*self.unacked, *running]

    # --- finishing ----------------------------------------------------------------------------------------------------

    def ack(self, message: Message) -> bool:
        """Note an event as finished, if an agent of this generation worked on it; return whether it counts.

        Faust also acks what it skips: events of an older generation, and those that meet a rebalance in a queue
        (not `tracked`). Those are not finished; they will be processed again.
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
        """Note that one agent is done with a message; return whether the message is finished with that."""
        if message.acked:
            return False
        message.refcount -= 1
        assert message.refcount >= 0, f"{message.tp} offset {message.offset} was finished more often than delivered"
        return message.refcount == 0 and self.ack(message)

    def finish(self, message: Message) -> None:
        """Finish an event whatever its agents still do with it: its dead letter stands for all it did."""
        self.disown(message)
        self._finish(message)

    def _finish(self, message: Message) -> None:
        if isinstance(message, BatchMessage):
            self._tracker.finish(message.tp, offsets_of(message))
        else:
            self._tracker.finish_one(message.tp, message.offset)
        self._tell_finished()

    def finish_acked(self, tp: TP, offset: int) -> None:
        """Note an event that a stream of Faust's has acked, of this generation."""
        self._tracker.finish_one(tp, offset)
        self._tell_finished()

    def _tell_finished(self) -> None:
        self.has_finished = True
        if self._next_finished is not None and not self._next_finished.done():
            self._next_finished.set_result(None)

    def next_finished(self) -> asyncio.Future[None]:
        """Return a future that is done when the next event finishes. Do not cancel it: several callers share it."""
        if self._next_finished is None or self._next_finished.done():
            self._next_finished = asyncio.get_running_loop().create_future()
        return self._next_finished

    def disown(self, message: Any) -> None:
        """Have nothing that this copy of an event does count any more."""
        message.acked = True
        message.generation_id = GENERATION_NONE
        self.unacked.discard(message)

    def forget_waiting(self, message: Any) -> None:
        """Ignore the ack of an event that still waits in a queue: it will be delivered again."""
        message.acked = True
        self.unacked.discard(message)

    def clean(self) -> None:
        """Forget messages that were acked on other ways."""
        for message in [message for message in self.unacked if message.acked]:
            self.unacked.discard(message)

    def clear(self) -> None:
        """Forget everything: the events belong to the past, and their acks do not count for those delivered again."""
        for message in self.messages():
            message.acked = True
        self.unacked.clear()
        self.alone.clear()

    # --- dependencies -------------------------------------------------------------------------------------------------

    def builds_on(self, message: Any, base: Source) -> None:
        """Note that an event met a table row that another event wrote and that is not committed."""
        is_current = message.generation_id == self._generation.consumer_generation_id
        if is_current and not self._is_settled(base, message):
            self._dependencies.add(message, base)

    def _is_settled(self, base: Source, message: Any) -> bool:
        """Return whether the order of commits is certain without a note.

        We record no dependency on a committed event, nor on an earlier event of the same partition that has finished
        and depends on nothing uncommitted.
        """
        tp, offset = base
        is_earlier = offset < message.offset and tp == message.tp
        if is_earlier and self._tracker.is_finished(tp, offset) and base not in self._dependencies:
            return True
        return self.is_committed(base)

    def is_committed(self, source: Source | None) -> bool:
        """Return whether an event is committed, or is not of this generation."""
        return source is None or source[0] not in self._tracker or source[1] < self._tracker.committed(source[0])

    def note_committed(self, offsets: Mapping[TP, int]) -> None:
        """Forget which events must be alone below committed offsets."""
        if self.alone:
            self.alone = {(tp, offset) for tp, offset in self.alone if offset >= offsets.get(tp, 0)}
