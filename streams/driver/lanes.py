"""The short way from a fetch to an agent: a run of records is decoded and put into the agent's queue in one go.

Faust's conductor hands over one message at a time, by a coroutine each. A partition has a lane when one channel alone
reads it and decodes as usual; everything else goes Faust's way. The queue, its bounds and its events are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from faust.types import TP, ConsumerMessage

from streams.driver.decoding import Decode, decoder
from streams.driver.limits import RUN_RECORDS_MAX
from streams.log import StoredRecord


class Lane:
    """One partition's way into the queue of the channel that reads it."""

    def __init__(
        self, tp: TP, queue: Any, decode: Decode, on_full: Callable[[TP], None], on_room: Callable[[], None]
    ) -> None:
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
        """Events of records up to the first that cannot be decoded."""
        tp, decode = self.tp, self._decode
        topic, partition = tp
        events = []
        for offset, timestamp_ms, key, value, headers, writer in records:
            message = ConsumerMessage(
                topic,
                partition,
                offset,
                timestamp_ms / 1000.0,
                0,
                list(headers) or None if headers else None,
                key,
                value,
                writer,
                None if key is None else len(key),
                None if value is None else len(value),
                tp,
                generation_id=generation,
            )
            message.refcount = 1
            try:
                events.append(decode(message))
            except Exception:
                break
        return events

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


class Lanes:
    """The lanes of one consumer, by partition; looked up anew when the channels of a partition have changed."""

    def __init__(self, app: Any, on_full: Callable[[TP], None], on_drop: Callable[[TP], None]) -> None:
        self._app = app
        self._on_full = on_full
        self._on_drop = on_drop
        self._known: dict[TP, tuple[Any, Lane | None]] = {}

    def of(self, tp: TP, channels: Sequence[Any]) -> Lane | None:
        """A partition's lane; None when its records go Faust's way."""
        if len(channels) != 1:
            return None
        [channel] = channels
        known, lane = self._known.get(tp, (None, None))
        if known is not channel:
            lane = self._build(tp, channel)
            self._known[tp] = channel, lane
        return lane

    def _build(self, tp: TP, channel: Any) -> Lane | None:
        decode = decoder(self._app, channel)
        if decode is None:
            return None
        on_drop = self._on_drop
        return Lane(tp, channel.queue, decode, self._on_full, lambda: on_drop(tp))
