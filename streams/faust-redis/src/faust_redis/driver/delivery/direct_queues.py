"""Provide the fast path from a fetch to an agent: decode a run of records and put it into the agent's queue at once.

Faust's conductor hands over one message at a time, each with its own coroutine. A partition has a direct queue when
only one channel reads it, and this channel decodes with Faust's own classes. Both paths use the same queue, bounds and
events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from faust.types import TP

from faust_redis.driver.delivery.batches import Received, is_needed
from faust_redis.driver.delivery.decoding import Decode, decoder
from faust_redis.driver.delivery.messages import is_for_another_group, to_message
from faust_redis.driver.faust_internals import QueueAccess
from faust_redis.driver.limits import RUN_RECORDS_MAX
from faust_redis.log import StoredRecord


class Span(NamedTuple):
    """Consecutive offsets, from `begin` up to, but not including, `end`."""

    begin: int
    end: int


class Decoded(NamedTuple):
    """Decoded records.

    Attributes:
        events: Those that the agent needs.
        skipped: The offsets of the others.
    """

    events: list[Any]
    skipped: list[Span]

    @property
    def records(self) -> int:
        """Return how many records they are."""
        return len(self.events) + sum(span.end - span.begin for span in self.skipped)


class DirectQueue:
    """The queue of the only channel that reads a partition."""

    def __init__(
        self, app: Any, tp: TP, queue: Any, decode: Decode, on_full: Callable[[TP], None], on_room: Callable[[], None]
    ) -> None:
        self._app = app
        self._event_class = app.conf.Event
        self.tp = tp
        self._queue = queue
        self._access = QueueAccess(queue)
        self._decode = decode
        self._on_full = on_full
        self._on_room = on_room
        self._skipped = Span(-1, -1)
        """The last consecutive records that the agent did not need."""

    @property
    def room(self) -> int:
        """Return for how many events the queue has room now."""
        return max(0, self._queue.maxsize - self._queue.qsize()) if self._queue.maxsize > 0 else 1 << 30

    @property
    def run_records_max(self) -> int:
        """Return how many records to hand over before the next partition's turn; a batch agent sets its batch size."""
        return int(getattr(self._queue, "run_records_max", RUN_RECORDS_MAX))

    def decode(self, records: Sequence[StoredRecord], generation: int) -> Decoded:
        """Decode records into events, or into the records of batches. Leave out those that the agent does not need.

        Decoding stops at the first record for Faust's conductor: a record that cannot be decoded, or a replay for
        another consumer group.
        """
        make = self._received if self._is_for_batches else self._event
        decode, needs = self._decode, getattr(self._queue, "needs", None)
        events: list[Any] = []
        skipped: list[Span] = []
        begin, end = self._skipped
        for record in records:
            if record.headers and is_for_another_group(record, self._app.conf.id):
                break
            offset = record.offset
            if needs is not None and not is_needed(needs, record.value):
                if end != offset:
                    begin = offset
                end = offset + 1
                if skipped and skipped[-1].end == offset:
                    skipped[-1] = Span(skipped[-1].begin, end)
                else:
                    skipped.append(Span(offset, end))
                continue
            try:
                key, value = decode(record.key, record.value)
            except Exception:
                break
            event = make(generation, record, key, value)
            if end == offset:
                event.follows = begin - 1
            events.append(event)
        self._skipped = Span(begin, end)
        return Decoded(events, skipped)

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
        """Put events into the queue, which must have room for them."""
        assert len(events) <= self.room, f"{len(events)} events for a queue of {self.room} free places"
        self._access.put_all(events)
        if self._queue.in_pressure_high_state(self._on_room):
            self._on_full(self.tp)

    def withdraw(self) -> list[Any]:
        """Remove and return the waiting events of this partition."""
        items = self._access.items
        waiting = [item for item in items if _partition_of(item) == self.tp]
        if waiting:
            kept = [item for item in items if _partition_of(item) != self.tp]
            items.clear()
            items.extend(kept)
            self._access.after_pop()
        return waiting

    def put_back(self, events: list[Any]) -> None:
        """Put withdrawn events into the queue again, even if it has no room: they were there before."""
        self._access.put_all(events)


def _partition_of(item: Any) -> TP:
    tp: TP = item.tp if isinstance(item, Received) else item.message.tp
    return tp


class DirectQueues:
    """The direct queues of one consumer. A change of a partition's channel replaces its direct queue."""

    def __init__(self, app: Any, on_full: Callable[[TP], None], on_drop: Callable[[TP], None]) -> None:
        self._app = app
        self._on_full = on_full
        self._on_drop = on_drop
        self._known: dict[TP, tuple[Any, DirectQueue | None]] = {}

    def of(self, tp: TP, channels: Sequence[Any]) -> DirectQueue | None:
        """Return a partition's direct queue; None when its records go through Faust's conductor."""
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
