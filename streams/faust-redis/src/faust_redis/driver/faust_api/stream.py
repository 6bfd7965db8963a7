"""Provide the fast path from a queue to its agent, by a subclass of Faust's stream.

Faust yields to the event loop after each event. Here, an agent continues while events wait, and yields to other tasks
every few milliseconds. Streams with processors, joins or manual acks keep Faust's own path.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from operator import attrgetter
from time import monotonic
from typing import Any, NamedTuple, cast
from weakref import ref

import faust
from faust.topics import Topic

from faust_redis.driver import faust_internals as internals
from faust_redis.driver.commit.committer import Committer
from faust_redis.driver.delivery.batches import Batch, BatchMessage, BatchSize, Needs, Received, batch_event, is_needed
from faust_redis.driver.event_tasks import EventTask
from faust_redis.driver.faust_api.composition import Driver
from faust_redis.driver.limits import COMMIT_US_MAX, RUN_RECORDS_MAX, TURN_S
from faust_redis.hooks import BatchBegun, BatchFinished, Hooks

Shape = Callable[[Any], Any]

_value: Shape = attrgetter("value")
_item: Shape = attrgetter("key", "value")


def _event(event: Any) -> Any:
    return event


class BegunBatch(NamedTuple):
    """A batch that an agent is processing.

    Attributes:
        received: Its records.
        message: Its message; a batch is a single event in flight.
        event: The current event meanwhile. Faust keeps only a weak reference to it.
        states: The states that sensors returned, if there are sensors.
        began_s: The time at which the agent began.
    """

    received: list[Received[Any]]
    message: Any
    event: Any
    states: Any
    began_s: float


class Stream(faust.Stream):  # type: ignore[type-arg]
    """A stream of events from the log."""

    _turn_over_s = 0.0
    _ended = False
    _queue: internals.QueueAccess
    _driver: Driver
    _committer: Committer
    _task: EventTask

    def __aiter__(self) -> AsyncIterator[Any]:
        """Iterate over values."""
        return self._iterate(_value) if self._is_plain() else super().__aiter__()

    def events(self) -> Any:
        """Iterate over events."""
        return self._iterate(_event) if self._is_plain() else super().events()

    def items(self) -> Any:
        """Iterate over pairs of key and value."""
        return self._iterate(_item) if self._is_plain() else super().items()

    def batches(
        self, records_max: int, commit_us_max: int = COMMIT_US_MAX, needs: Needs | None = None
    ) -> AsyncIterator[Batch[Any]]:
        """Iterate over batches of consecutive waiting events of one partition.

        The committer commits all effects of a batch together with its offsets. A batch has at most `records_max`
        records. The driver chooses its size from the cost of earlier batches, so that the commit does not block the
        server for longer than `commit_us_max`. Records whose value `needs` refuses are finished without the agent.

        Raises:
            TypeError: the stream has processors, joins or manual acks.
        """
        if not self._is_plain():
            raise TypeError(
                "batches come from a topic as they are: not from a stream with processors, joins or manual acks"
            )
        queue = cast("Any", self.channel).queue
        queue.run_records_max, queue.needs = max(records_max, RUN_RECORDS_MAX), needs
        return self._tracked(self._batches(BatchSize(records_max, commit_us_max), needs))

    def _is_plain(self) -> bool:
        return (
            type(self).on_merge is faust.Stream.on_merge
            and self.join_strategy is None
            and not self._processors
            and self.enable_acks
            and isinstance(self.channel, Topic)
        )

    def _iterate(self, shape: Shape) -> AsyncIterator[Any]:
        return self._tracked(self._each(shape))

    def _tracked(self, iterator: AsyncGenerator[Any, None]) -> AsyncIterator[Any]:
        self._active_agens.add(iterator)
        return iterator

    async def _each(self, shape: Shape) -> AsyncGenerator[Any, None]:
        async with self._reading():
            task, done = self._task, self._driver.in_flight.done
            telemetry, set_current = self._driver.telemetry, internals.set_current_event
            while True:
                event = self._pop()
                if event is None:
                    if self._is_over:
                        return
                    event = await self._wait()
                    if event is None:
                        continue
                message = task.message = event.message
                states = telemetry.event_in(self, event, is_first=not message.tracked) if telemetry.sensors else None
                message.tracked = True
                set_current(ref(event))
                self.current_event = event
                self.events_total += 1
                try:
                    yield shape(event)
                finally:
                    self.current_event = task.message = None
                    is_last = done(message)
                    if states is not None:
                        telemetry.event_out(self, event, states, is_last=is_last)

    async def _batches(self, size: BatchSize, needs: Needs | None = None) -> AsyncGenerator[Batch[Any], None]:
        async with self._reading():
            while not self._is_over:
                event = self._pop() or await self._wait()
                if event is None:
                    continue
                if not (isinstance(event, Received) or is_needed(needs, event.message.value)):
                    event.message.tracked = True
                    self._driver.in_flight.done(event.message)
                    continue
                begun = self._begin_batch(self._gather(event, size.records))
                batch = Batch(begun.received, begun.message)
                try:
                    yield batch
                finally:
                    batch.join()
                    self._end_batch(begun, size)

    def _begin_batch(self, received: list[Received[Any]]) -> BegunBatch:
        driver = self._driver
        current: Any = batch_event(self.app, received) if len(received) > 1 else received[0]
        message = self._task.message = current.message
        states = driver.telemetry.batch_in(self, received) if driver.telemetry.sensors else None
        message.tracked = True
        internals.set_current_event(ref(current))
        self.current_event = current
        self.events_total += len(received)
        if driver.hooks:
            driver.hooks.call(
                Hooks.on_batch_begun, BatchBegun(message.topic, message.partition, message.offset, len(received))
            )
        return BegunBatch(received, message, current, states, monotonic())

    def _end_batch(self, begun: BegunBatch, size: BatchSize) -> None:
        driver, message, received = self._driver, begun.message, begun.received
        if isinstance(message, BatchMessage) and message.was_split:
            self._put_back(received)
        else:
            size.learn(len(received), driver.committer.pending.cost_us((message.tp, message.offset)))
        self.current_event = self._task.message = None
        counted = not message.acked  # a failure or a hand-over marks the message as acked
        is_last = driver.in_flight.done(message)
        if begun.states is not None:
            driver.telemetry.batch_out(self, begun.states, is_last=is_last)
        if driver.hooks:
            took_s = monotonic() - begun.began_s
            succeeded = is_last or (counted and message.refcount > 0)  # other agents of the topic may still process it
            driver.hooks.call(
                Hooks.on_batch_finished,
                BatchFinished(message.topic, message.partition, message.offset, len(received), took_s, succeeded),
            )

    @property
    def _is_over(self) -> bool:
        return self._ended or self.should_stop

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        self._finalized = True
        started_by_aiter = await self.maybe_start()
        self._turn_over_s = monotonic() + TURN_S
        self._ended = False
        self._begin(cast("Any", self.app.consumer).driver, cast("Any", self.channel).queue)
        try:
            yield
        finally:
            self._channel_stop_iteration(self.channel)
            if started_by_aiter:
                await self.stop()
                self.service_reset()

    def _begin(self, driver: Driver, queue: Any) -> None:
        """Take over the driver's parts and a queue, in the task that iterates."""
        self._driver, self._committer = driver, driver.committer
        self._queue = internals.QueueAccess(queue)
        self._task = driver.in_flight.tasks.current()
        driver.telemetry.refresh()

    def _pop(self) -> Any:
        """Return the next event of this generation; None when no event waits or this agent's turn is over."""
        queue = self._queue
        items = queue.items
        if not items or queue.errors or monotonic() > self._turn_over_s or self._committer.is_full:
            return None
        return self._current_only(items.popleft())

    async def _wait(self) -> Any:
        """Yield to other tasks; wait for an event if none waits in the queue."""
        queue, committer = self._queue, self._committer
        event = None
        if queue.items and not queue.errors:
            if committer.is_full:
                await committer.wait_for_capacity()
                event = self._current_only(queue.items.popleft()) if queue.items else None
            else:
                await asyncio.sleep(0)
        else:
            self._driver.commit_loop.on_idle()
            try:
                event = self._current_only(await self.channel.__anext__())
            except StopAsyncIteration:  # the app has stopped the stream
                self._ended = True
        self._turn_over_s = monotonic() + TURN_S
        return event

    def _current_only(self, event: Any) -> Any:
        """Return an event from the queue, or None when the event is of another generation."""
        queue = self._queue
        if queue.relieved or queue.putters:
            queue.after_pop()
        generation = event.generation_id if isinstance(event, Received) else event.message.generation_id
        is_current = generation == self.app.consumer_generation_id
        return event if is_current and self.app.flow_control.is_active() else None

    def _gather(self, event: Any, records_max: int) -> list[Received[Any]]:
        """Return an event with the waiting events that can form a batch: those of one partition that follow each other.

        Only records of a direct queue form batches, because no other reader can still be processing some of them.
        """
        if not isinstance(event, Received):
            return [Received.of(event)]
        received, waiting, alone = [event], self._queue.items, self._driver.in_flight.alone
        tp, offset, generation = event.tp, event.offset, event.generation_id
        if alone and (tp, offset) in alone:
            return received
        while waiting and len(received) < records_max and isinstance(following := waiting[0], Received):
            if following.follows != offset or following.tp != tp or following.generation_id != generation:
                break
            offset = following.offset
            if alone and (tp, offset) in alone:
                break
            received.append(waiting.popleft())
        return received

    def _put_back(self, received: list[Received[Any]]) -> None:
        """Put the events of a failed batch back into the queue, to be processed one at a time.

        Only an event that fails alone is the cause of the failure.
        """
        self._driver.in_flight.alone.update((each.tp, each.offset) for each in received)
        if self.app.flow_control.is_active() and received[0].generation_id == self.app.consumer_generation_id:
            self._queue.items.extendleft(reversed(received))


def use_stream(app: Any) -> None:
    """Make an app use the driver's stream class, unless the app has its own stream class."""
    if app.conf.Stream is faust.Stream:
        internals.use_stream_class(app, Stream)
