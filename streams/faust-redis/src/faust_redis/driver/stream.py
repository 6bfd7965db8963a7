"""Faust's stream with a short way from queue to agent.

It is for streams without processors, joins and manual acks, in apps without sensors of their own. All others go Faust's
way.

Faust turns the event loop once for each event; here an agent goes on while there are events, and others get their turn
every few milliseconds.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from operator import attrgetter
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import faust
from faust.streams import _current_event
from faust.topics import Topic

from faust_redis.driver.batches import Batch, BatchMessage, BatchSize, Received, batch_event
from faust_redis.driver.limits import COMMIT_US_MAX, RUN_RECORDS_MAX, TURN_S
from faust_redis.driver.waits import Runner, times_no_event

if TYPE_CHECKING:
    from faust_redis.driver.consumer import Consumer
    from faust_redis.driver.transport import Transport

Shape = Callable[[Any], Any]

_value: Shape = attrgetter("value")
_item: Shape = attrgetter("key", "value")


def _event(event: Any) -> Any:
    return event


class Stream(faust.Stream):  # type: ignore[type-arg]
    """A stream of events from the log."""

    _turn_over_s = 0.0
    _ended = False
    _queue: Any
    _committer: Any
    _runner: Runner

    def __aiter__(self) -> AsyncIterator[Any]:
        """Iterate over values."""
        return self._iterate(_value) if self._is_plain() else super().__aiter__()

    def events(self) -> Any:
        """Iterate over events."""
        return self._iterate(_event) if self._is_plain() else super().events()

    def items(self) -> Any:
        """Iterate over pairs of key and value."""
        return self._iterate(_item) if self._is_plain() else super().items()

    def batches(self, records_max: int, commit_us_max: int = COMMIT_US_MAX) -> AsyncIterator[Batch[Any]]:
        """Iterate over events of one partition that follow one another, as many as there are, up to a bound.

        What an agent does with a batch is committed with it as a whole. So that this does not block the server for
        longer than `commit_us_max`, a batch is as large as those before it let expect, at most `records_max`.

        Raises:
            TypeError: the stream has processors, joins or manual acks, or the app has sensors: they are told of events.
        """
        if not self._is_plain():
            raise TypeError(
                "batches come from a topic as they are: not from a stream with processors, joins or manual acks, nor "
                "in an app with sensors of its own"
            )
        cast("Any", self.channel).queue.run_records_max = max(records_max, RUN_RECORDS_MAX)
        return self._tracked(self._batches(BatchSize(records_max, commit_us_max)))

    def _is_plain(self) -> bool:
        return (
            type(self).on_merge is faust.Stream.on_merge
            and self.join_strategy is None
            and not self._processors
            and self.enable_acks
            and isinstance(self.channel, Topic)
            and times_no_event(self.app)
        )

    def _iterate(self, shape: Shape) -> AsyncIterator[Any]:
        return self._tracked(self._each(shape))

    def _tracked(self, iterator: AsyncGenerator[Any, None]) -> AsyncIterator[Any]:
        self._active_agens.add(iterator)
        return iterator

    async def _each(self, shape: Shape) -> AsyncGenerator[Any, None]:
        async with self._reading():
            runner, done, set_current = self._runner, self._consumer.done, _current_event.set
            while True:
                event = self._pop()
                if event is None:
                    if self._is_over:
                        return
                    event = await self._wait()
                    if event is None:
                        continue
                message = runner.message = event.message
                message.tracked = True
                set_current(weakref.ref(event))
                self.current_event = event
                self.events_total += 1
                try:
                    yield shape(event)
                finally:
                    self.current_event = runner.message = None
                    done(message)

    async def _batches(self, size: BatchSize) -> AsyncGenerator[Batch[Any], None]:
        async with self._reading():
            while not self._is_over:
                event = self._pop() or await self._wait()
                if event is None:
                    continue
                received = self._gather(event, size.records)
                current: Any = batch_event(self.app, received) if len(received) > 1 else received[0]
                message = self._runner.message = current.message
                message.tracked = True
                _current_event.set(weakref.ref(current))
                self.current_event = current
                self.events_total += len(received)
                try:
                    yield Batch(received, message)
                finally:
                    if isinstance(message, BatchMessage) and message.was_split:
                        self._put_back(received)
                    else:
                        size.learn(len(received), self._committer.pending.cost_us((message.tp, message.offset)))
                    self.current_event = self._runner.message = None
                    self._consumer.done(message)

    @property
    def _is_over(self) -> bool:
        return self._ended or self.should_stop

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        self._finalized = True
        started_by_aiter = await self.maybe_start()
        self._turn_over_s = monotonic() + TURN_S
        self._ended = False
        self._queue = cast("Any", self.channel).queue
        self._committer = self._consumer.committer
        self._runner = self._consumer.runner()
        try:
            yield
        finally:
            self._channel_stop_iteration(self.channel)
            if started_by_aiter:
                await self.stop()
                self.service_reset()

    def _pop(self) -> Any:
        """The next event of this generation, if one is there and this agent's turn is not over."""
        queue = self._queue
        waiting = queue._queue
        if not waiting or queue._errors or monotonic() > self._turn_over_s or self._committer.is_full:
            return None
        return self._look_at(queue, waiting.popleft())

    async def _wait(self) -> Any:
        """Let others have their turn; wait for an event if there is none."""
        queue = self._queue
        event = None
        if queue._queue and not queue._errors:
            if self._committer.is_full:
                await self._committer.wait_for_room()
                event = self._look_at(queue, queue._queue.popleft()) if queue._queue else None
            else:
                await asyncio.sleep(0)
        else:
            self._consumer.on_idle()
            try:
                event = self._look_at(queue, await self.channel.__anext__())
            except StopAsyncIteration:  # the stream was told to stop
                self._ended = True
        self._turn_over_s = monotonic() + TURN_S
        return event

    def _look_at(self, queue: Any, event: Any) -> Any:
        if queue._pending_pressure_drop_callbacks:
            queue.maybe_endorse_pressure_drop()
        if queue._putters:
            queue._wakeup_next(queue._putters)
        generation = event.generation_id if isinstance(event, Received) else event.message.generation_id
        is_current = generation == self.app.consumer_generation_id
        return event if is_current and self.app.flow_control.is_active() else None

    def _gather(self, event: Any, records_max: int) -> list[Received[Any]]:
        """An event with those behind it that can be one unit: offsets of one partition without a gap.

        Only records of a direct queue are taken together: no other reader can still be working on some of them.
        """
        if not isinstance(event, Received):
            return [Received.of(event)]
        received, waiting, alone = [event], self._queue._queue, self._consumer.alone
        tp, offset, generation = event.tp, event.offset, event.generation_id
        if alone and (tp, offset) in alone:
            return received
        while waiting and len(received) < records_max and isinstance(following := waiting[0], Received):
            offset += 1
            if following.offset != offset or following.tp != tp or following.generation_id != generation:
                break
            if alone and (tp, offset) in alone:
                break
            received.append(waiting.popleft())
        return received

    def _put_back(self, received: list[Received[Any]]) -> None:
        """Have the events of a batch that failed come again, each alone: only one that fails alone is to blame."""
        self._consumer.alone.update((each.tp, each.offset) for each in received)
        if self.app.flow_control.is_active() and received[0].generation_id == self.app.consumer_generation_id:
            self._queue._queue.extendleft(reversed(received))

    @property
    def _consumer(self) -> Consumer:
        return cast("Consumer", self.app.consumer)


def use_stream(transport: Transport) -> None:
    """Have an app's streams be ours, unless it has a class of its own for them."""
    conf: Any = transport.app.conf
    if conf.Stream is faust.Stream:
        conf._Stream = Stream  # where the setting is kept; setting it now would warn that it was read already
