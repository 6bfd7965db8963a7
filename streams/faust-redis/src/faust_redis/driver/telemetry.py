"""Call an app's sensors from the fast path, which bypasses Faust's own calls of them.

Faust's own `Monitor` and the driver's sensors need no call for each event, because the fast path counts for the
monitor. Every other sensor, including subclasses of `Monitor`, receives each message, event, table access and send.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from faust.sensors.base import Sensor
from faust.sensors.monitor import Monitor
from faust.types import TP, PendingMessage, RecordMetadata

SendOutcome = Callable[[int | None, BaseException | None, RecordMetadata | None], None]
"""Reports the outcome of a send to sensors."""

States = list[tuple[Any, Any]]
"""Sensors, each with the state that it returned at the beginning of an event."""


class DriverSensor(Sensor):
    """The base class of the driver's own sensors."""


class Telemetry:
    """The sensors of one app that must receive each event.

    Attributes:
        sensors: These sensors, in no order; empty when the app has none.
        counts_for_monitor: Whether the app's monitor is Faust's own, so that the fast path updates its counts.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self.sensors: tuple[Any, ...] = ()
        self.counts_for_monitor = True

    def refresh(self) -> None:
        """Look up the app's present sensors. The consumer and each stream call this when they start."""
        self.counts_for_monitor = type(self._app.monitor) is Monitor
        self.sensors = tuple(
            sensor
            for sensor in self._app.sensors
            if type(sensor) is not Monitor and not isinstance(sensor, DriverSensor)
        )

    # --- events -------------------------------------------------------------------------------------------------------

    def event_in(self, stream: Any, event: Any, *, is_first: bool) -> States:
        """Report that a stream begins an event; `is_first` when no other stream has begun its message."""
        message = event.message
        tp, offset = message.tp, message.offset
        if is_first:
            for sensor in self.sensors:
                sensor.on_message_in(tp, offset, message)
        return [(sensor, sensor.on_stream_event_in(tp, offset, stream, event)) for sensor in self.sensors]

    def event_out(self, stream: Any, event: Any, states: States, *, is_last: bool) -> None:
        """Report that a stream has finished an event; `is_last` when this finishes its message."""
        message = event.message
        tp, offset = message.tp, message.offset
        for sensor, state in states:
            sensor.on_stream_event_out(tp, offset, stream, event, state)
        if is_last:
            for sensor in self.sensors:
                sensor.on_message_out(tp, offset, message)

    def batch_in(self, stream: Any, received: Sequence[Any]) -> list[tuple[Any, States]]:
        """Report that a stream begins each event of a batch."""
        make, app = self._app.conf.Event, self._app
        events = [make(app, each.key, each.value, each.headers, each.message) for each in received]
        return [(event, self.event_in(stream, event, is_first=not event.message.tracked)) for event in events]

    def batch_out(self, stream: Any, begun: Iterable[tuple[Any, States]], *, is_last: bool) -> None:
        """Report that a stream has finished each event of a batch."""
        for event, states in begun:
            self.event_out(stream, event, states, is_last=is_last)

    def buffer_full(self, tp: TP) -> None:
        """Report that the queue of an agent is full."""
        self._app.sensors.on_topic_buffer_full(tp)

    def count_received(self, tp: TP, offset: int, count: int) -> None:
        """Count several messages for Faust's monitor, instead of one call for each message."""
        if self.counts_for_monitor:
            monitor = self._app.monitor
            monitor.messages_received_total += count
            monitor.messages_received_by_topic[tp.topic] += count
            monitor.tp_read_offsets[tp] = offset

    # --- tables -------------------------------------------------------------------------------------------------------

    def table_get(self, table: Any, key: Any) -> None:
        """Report that a row was read."""
        for sensor in self.sensors:
            sensor.on_table_get(table, key)

    def table_set(self, table: Any, key: Any, value: Any) -> None:
        """Report that a row was written."""
        for sensor in self.sensors:
            sensor.on_table_set(table, key, value)

    def table_del(self, table: Any, key: Any) -> None:
        """Report that a row was deleted."""
        for sensor in self.sensors:
            sensor.on_table_del(table, key)

    # --- sends and commits --------------------------------------------------------------------------------------------

    def count_sent(self, topic: str) -> None:
        """Count a message for Faust's monitor."""
        if self.counts_for_monitor:
            monitor = self._app.monitor
            monitor.messages_sent += 1
            monitor.messages_sent_by_topic[topic] += 1

    def send_begun(self, topic: str, message: PendingMessage, key: bytes | None, value: bytes | None) -> SendOutcome:
        """Report that a message joins the pending writes; return a function to call with the outcome."""
        producer = self._app.producer
        states = [
            (sensor, sensor.on_send_initiated(producer, topic, message, len(key or b""), len(value or b"")))
            for sensor in self.sensors
        ]

        def sent(offset: int | None, error: BaseException | None, metadata: RecordMetadata | None) -> None:
            for sensor, state in states:
                if metadata is not None:
                    sensor.on_send_completed(producer, state, metadata)
                else:
                    sensor.on_send_error(producer, error or RuntimeError(f"not written: {offset}"), state)

        return sent

    def commit_begun(self, consumer: Any) -> Any:
        """Report to all sensors, including the monitor, that a commit begins."""
        return self._app.sensors.on_commit_initiated(consumer)

    def commit_finished(self, consumer: Any, state: Any) -> None:
        """Report to all sensors that a commit has ended."""
        self._app.sensors.on_commit_completed(consumer, state)
