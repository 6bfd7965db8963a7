"""Add the records and rows of agents to the pending writes, each with its event."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from faust.streams import current_event
from faust.types import Message

from faust_redis.driver.commit.committer import OutputDroppedError
from faust_redis.driver.commit.dependencies import Dependencies
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.commit.outputs import Output, OutputColumns, Settle
from faust_redis.driver.commit.pending_writes import PendingWrites
from faust_redis.driver.headers import header_pairs, listens_to_sends
from faust_redis.driver.source import Source

REPLY_TO_HEADER = "Faust-Ag-ReplyTo"


class Topics(Protocol):
    """The topics, as this file needs them."""

    def is_known(self, topic: str) -> bool:
        """Return whether a topic is known to exist."""

    def partition(self, topic: str, key: bytes | None) -> int:
        """Return the partition of a key of a known topic."""

    def is_compacted(self, topic: str) -> bool:
        """Return whether only the last record of a key matters in a topic."""


class EventWrites:
    """Assigns records and rows to events."""

    def __init__(
        self,
        app: Any,
        pending: PendingWrites,
        tracker: OffsetTracker,
        dependencies: Dependencies,
        topics: Topics,
    ) -> None:
        self._app = app
        self._pending = pending
        self._tracker = tracker
        self._dependencies = dependencies
        self._topics = topics
        self.flush_soon: Callable[[], None] = lambda: None
        """Called after a record that belongs to no event; the producer sets it."""
        self.draw = pending.draw
        self.unjoined: set[Source] = set()
        """Batches that have sent something and whose handler has not ended."""

    def enqueue(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        settle: Settle | None,
    ) -> Source | None:
        """Add a record to the pending writes; return the event that it belongs to, and whose end it waits for.

        Raises:
            OutputDroppedError: the event's partition was handed over. The new owner processes the event again.
        """
        if listens_to_sends(self._app):
            headers = list(header_pairs(headers))
            self._app.on_produce_message.send(
                key=key, value=value, partition=partition, timestamp=timestamp, headers=headers
            )
        pairs = header_pairs(headers)
        source = None if any(name == REPLY_TO_HEADER for name, _ in pairs) else self.source()
        if source is not None and self._dependencies.bases(source) and topic == self._app.conf.reply_to:
            source = None  # what this event builds on may be the event that asked: it ends when it has its answer
        timestamp_ms = int((time.time() if timestamp is None else timestamp) * 1000)
        self._pending.add(Output(topic, partition, key, value, timestamp_ms, pairs, source, settle))
        if source is None:
            self.flush_soon()
        return source

    def join(self, output: Output, message: Message) -> bool:
        """Add a record of an event. Return False, and do not add the record, when the event is over.

        Raises:
            OutputDroppedError: see `enqueue`.
        """
        output.source = self.source_of(message)
        if output.source is None:
            return False
        self._pending.add(output)
        return True

    def knows(self, topic: str) -> bool:
        """Return whether a topic is known to exist."""
        return self._topics.is_known(topic)

    def partition(self, topic: str, key: bytes | None) -> int | None:
        """Return the partition of a key; None while the topic is not known."""
        return self._topics.partition(topic, key) if self._topics.is_known(topic) else None

    def add_columns(self, columns: OutputColumns, message: Message) -> None:
        """Add records of an event; see `enqueue`. When the event is over, do nothing."""
        source = self.source_of(message)
        if source is None:
            return
        if columns.partition is not None and not self._topics.is_compacted(columns.topic):
            self._pending.add_columns(source, columns)
            return
        columns.source = source
        for output in columns.outputs():
            self._pending.keep(output)

    def change(self, changelog: str, rows: Sequence[tuple[bytes, bytes | None]], message: Message) -> None:
        """Add rows that an event changed. A compacted changelog keeps only the last change of a key."""
        source = self.source_of(message)
        if source is not None and self._topics.is_compacted(changelog):
            self._pending.change(source, (changelog, message.partition), rows)
            return
        now_ms = int(time.time() * 1000)
        for key, value in rows:
            self._pending.add(Output(changelog, message.partition, key, value, now_ms, (), source, None))
        if source is None:
            self.flush_soon()

    def source(self) -> Source | None:
        """Return the event of the current task; None outside of events, and in tasks that outlive their event."""
        event = current_event()
        if event is None or event.app is not self._app or self._app.client_only:
            return None  # an event of another application is not committed here
        return self.source_of(event.message)

    def source_of(self, message: Message) -> Source | None:
        """Return the event of a message; None when it is over.

        Raises:
            OutputDroppedError: its partition was handed over.
        """
        tp, offset = message.tp, message.offset
        if message.generation_id != self._app.consumer_generation_id or tp not in self._tracker:
            raise OutputDroppedError(
                f"{tp} was handed over while offset {offset} was processed; its new owner redoes it"
            )
        return (tp, offset) if offset >= self._tracker.first_unfinished(tp) else None
