"""The short way from a fetch to an agent: a run of records is decoded and put into the agent's queue in one go.

Faust's conductor hands over one message at a time, by a coroutine each. A partition has a direct queue when one channel
alone
reads it and decodes as usual; everything else goes Faust's way. The queue, its bounds and its events are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from faust.types import TP

from faust_redis.driver.batches import Received
from faust_redis.driver.decoding import Decode, decoder
from faust_redis.driver.limits import RUN_RECORDS_MAX
from faust_redis.driver.messages import is_for_another_group, to_message
from faust_redis.log import StoredRecord


class DirectQueue:
    """One partition's way into the queue of the channel that reads it."""

    def __init__(
        self, app: Any, tp: TP, queue: Any, decode: Decode, on_full: Callable[[TP], None], on_room: Callable[[], None]
    ) -> None:
        self._app = app
        self._event_class = app.conf.Event
        self.tp = tp
        self._queue = queue
        self._decode = decode
        self._on_full = on_full
        self._on_room = on_room

    @property
    def room(self) -> int:
        """Events that the queue takes now."""
        return max(0, self._queue.maxsize - self._queue.qsize()) if self._queue.maxsize > 0 else 1 << 30

    @property
    def run_records_max(self) -> int:
        """Records to hand over before the next partition's turn: as many as its agent takes together."""
        return int(getattr(self._queue, "run_records_max", RUN_RECORDS_MAX))

    def decode(self, records: Sequence[StoredRecord], generation: int) -> list[Any]:
        """Return events of records, or what batches are made of, up to the first that must not come this way.

        That is a record that cannot be decoded, or a replay for another consumer group.
        """
        make = self._received if self._is_for_batches else self._event
        decode = self._decode
        events = []
        for record in records:
            if record.headers and is_for_another_group(record, self._app.conf.id):
                break
            try:
                key, value = decode(record.key, record.value)
            except Exception:
                break
            events.append(make(generation, record, key, value))
        return events

    @property
    def _is_for_batches(self) -> bool:
        return hasattr(self._queue, "run_records_max")

    def _received(self, generation: int, record: StoredRecord, key: Any, value: Any) -> Received[Any]:
        return Received(self._app, self.tp, generation, record, key, value)

    def _event(self, generation: int, record: StoredRecord, key: Any, value: Any) -> Any:
        message = to_message(self.tp, record, generation)
        message.refcount = 1
        return self._event_class(self._app, key, value, message.headers, message)

    def put(self, events: list[Any]) -> None:
        """Hand events over; the queue must have room for them."""
        queue = self._queue
        queue._queue.extend(events)
        queue._unfinished_tasks += len(events)
        queue._finished.clear()
        for _ in range(min(len(events), len(queue._getters))):
            queue._wakeup_next(queue._getters)
        if queue.in_pressure_high_state(self._on_room):
            self._on_full(self.tp)


class DirectQueues:
    """The direct_queues of one consumer, by partition; looked up anew when the channels of a partition have changed."""

    def __init__(self, app: Any, on_full: Callable[[TP], None], on_drop: Callable[[TP], None]) -> None:
        self._app = app
        self._on_full = on_full
        self._on_drop = on_drop
        self._known: dict[TP, tuple[Any, DirectQueue | None]] = {}

    def of(self, tp: TP, channels: Sequence[Any]) -> DirectQueue | None:
        """A partition's direct_queue; None when its records go Faust's way."""
        if len(channels) != 1:
            return None
        [channel] = channels
        known, direct_queue = self._known.get(tp, (None, None))
        if known is not channel:
            direct_queue = self._build(tp, channel)
            self._known[tp] = channel, direct_queue
        return direct_queue

    def _build(self, tp: TP, channel: Any) -> DirectQueue | None:
        decode = decoder(self._app, channel)
        if decode is None:
            return None
        on_drop = self._on_drop
        return DirectQueue(self._app, tp, channel.queue, decode, self._on_full, lambda: on_drop(tp))
