"""The producer: records join the pending with the event they came from, and leave it with that event's commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, cast

from faust.streams import current_event
from faust.transport import producer as base
from faust.types import TP, FutureMessage, Message, RecordMetadata
from mode import Seconds, Service, want_seconds

from faust_redis.driver.committer import Committer, OutputDroppedError
from faust_redis.driver.dependencies import Source
from faust_redis.driver.fast_topics import Finder, enable_fast_path
from faust_redis.driver.limits import PENDING_RECORDS_MAX
from faust_redis.driver.messages import header_pairs, listens_to_sends
from faust_redis.driver.pending_writes import Output
from faust_redis.driver.waits import Delivery, DeliveryAwaitedError, Waits, Watched, explanation
from faust_redis.log.records import Cleanup

REPLY_TO_HEADER = "Faust-Ag-ReplyTo"
OFFSET_UNKNOWN = -1
"""Offset of a record that is part of a commit still open."""


class Buffer(Service):
    """Stands where Faust keeps its producer buffer; the pending is the buffer."""

    def __init__(self, producer: Producer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.producer = producer
        self.max_messages = PENDING_RECORDS_MAX

    @property
    def size(self) -> int:
        """Records waiting for a commit."""
        return len(self.producer.committer.pending)

    def put(self, fut: FutureMessage) -> None:
        """Queue a message that Faust prepared (a table's changelog record, or `send_soon`)."""
        message = fut.message
        topic = message.channel.get_topic_name()
        source = self.producer.enqueue(
            topic,
            message.key,
            message.value,
            message.partition,
            message.timestamp,
            message.headers,
            _settle_message(fut),
        )
        if source is not None:
            watched = cast("Watched", fut)
            watched.__class__ = Watched
            watched.look = partial(self.producer.waits.look_at, watched, source, topic)
        enable_fast_path(message.channel)

    async def flush(self) -> None:
        """Write what is finished."""
        await self.producer.committer.commit()

    async def flush_atmost(self, max_messages: int | None) -> int:
        """Write what is finished; returns how many records left the buffer."""
        before = self.size
        await self.flush()
        return before - self.size

    async def wait_until_ebb(self) -> None:
        """Nothing: delivery waits before it comes here, where a rebalance interrupts it."""


class Producer(base.Producer):
    """Faust producer over the log.

    `send` inside an agent joins the event's commit: nothing is visible before the event is finished and committed, so
    the delivery future resolves after that. `send_and_wait` inside an agent returns at once, with offset -1, for the
    same reason. Outside of an agent both write at once.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop | None = None, **kwargs: Any) -> None:
        if transport.app.conf.producer_threaded:
            raise NotImplementedError("producer_threaded is not supported by the Redis transport; leave it off")
        super().__init__(transport, loop=loop, **kwargs)
        self.buffer = cast("Any", Buffer(self, loop=self.loop, beacon=self.beacon))
        self._flushing: asyncio.Task[bool] | None = None
        self._compacted: dict[str, bool] = {}
        self.waits = Waits(transport.committer)
        self._finder = Finder()

    @cached_property
    def committer(self) -> Committer:
        """The transport's committer."""
        return cast("Committer", cast("Any", self.transport).committer)

    async def on_start(self) -> None:
        """Wait for the broker."""
        await cast("Any", self.transport).open()
        self.app.sensors.add(self.waits.runners)
        self.app.sensors.add(self._finder)
        await super().on_start()
        # Faust's own turns the event loop three times for each message, to start the producer once.
        cast("Any", self.app).maybe_start_producer = self._started_already

    async def _started_already(self) -> Any:
        return cast("Any", self.app.consumer).transactions if self.app.in_transaction else self

    async def on_stop(self) -> None:
        """Write what is finished, drop the rest (its events are not committed), close the log."""
        vars(self.app).pop("maybe_start_producer", None)
        self.committer.stopping = True
        await self.committer.commit()
        self.app.sensors.remove(self.waits.runners)
        self.app.sensors.remove(self._finder)
        self.committer.drop("the worker stops")
        await cast("Any", self.transport).close()

    def enqueue(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        settle: Any,
    ) -> Source | None:
        """Put a record into the pending; returns the event that it belongs to (and whose end it waits for).

        Raises:
            OutputDroppedError: in an event whose partition was handed over; it is processed again by the new owner.
        """
        if listens_to_sends(self.app):
            headers = list(header_pairs(headers))
            self.app.on_produce_message.send(
                key=key, value=value, partition=partition, timestamp=timestamp, headers=headers
            )
        pairs = header_pairs(headers)
        source = None if any(name == REPLY_TO_HEADER for name, _ in pairs) else self._source()
        if source is not None and self.committer.dependencies.bases(source) and topic == self.app.conf.reply_to:
            source = None  # what this event builds on may be the event that asked: it ends when it has its answer
        timestamp_ms = int((time.time() if timestamp is None else timestamp) * 1000)
        self.committer.pending.add(Output(topic, partition, key, value, timestamp_ms, pairs, source, settle))
        if source is None:
            self._flush_soon()
        return source

    def join(self, output: Output, message: Message) -> bool:
        """Put a record into the pending with an event; False when the event is over, and the record left out.

        Raises:
            OutputDroppedError: see `enqueue`.
        """
        output.source = self._source_of(message)
        if output.source is None:
            return False
        self.committer.pending.add(output)
        return True

    def knows(self, topic: str) -> bool:
        """Whether a topic is known to exist."""
        return cast("Any", self.transport).broker.known_topic(topic) is not None

    def add(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None, timestamp_ms: int,
        message: Message,
    ) -> None:  # fmt: skip
        """Put a record of an event into the pending whose outcome nobody waits for; see `enqueue`."""
        source = self._source_of(message)
        self.committer.pending.add(Output(topic, partition, key, value, timestamp_ms, (), source, None))
        if source is None:
            self._flush_soon()

    def change(self, changelog: str, rows: Sequence[tuple[bytes, bytes | None]], message: Message) -> None:
        """Put rows that an event changed into the pending; of one key only the last counts in a compacted changelog."""
        source = self._source_of(message)
        if source is not None and self._is_compacted(changelog):
            self.committer.pending.change(source, (changelog, message.partition), rows)
            return
        now_ms = int(time.time() * 1000)
        for key, value in rows:
            self.committer.pending.add(Output(changelog, message.partition, key, value, now_ms, (), source, None))
        if source is None:
            self._flush_soon()

    def _is_compacted(self, topic: str) -> bool:
        """Whether only the last record of a key matters in a topic; False while nothing is known of it."""
        known = self._compacted.get(topic)
        if known is None:
            info = cast("Any", self.transport).broker.known_topic(topic)
            if info is None:
                return False
            known = self._compacted[topic] = bool(info.spec.compacted)
        return known

    def _source(self) -> Source | None:
        """The event being processed here; None outside of events, and in what a finished event left running."""
        event = current_event()
        if event is None or event.app is not self.app or self.app.client_only:
            return None  # an event of another application is not committed here
        return self._source_of(event.message)

    def _source_of(self, message: Message) -> Source | None:
        tp, offset = message.tp, message.offset
        watermarks = self.committer.tracker
        if message.generation_id != self.app.consumer_generation_id or tp not in watermarks:
            raise OutputDroppedError(
                f"{tp} was handed over while offset {offset} was processed; its new owner redoes it"
            )
        return (tp, offset) if offset >= watermarks.watermark(tp) else None

    def _flush_soon(self) -> None:
        if self._flushing is None or self._flushing.done():
            self._flushing = cast("asyncio.Task[bool]", self.add_future(self._flush_untagged()))

    async def _flush_untagged(self) -> bool:
        await asyncio.sleep(0)
        return await self.committer.commit()

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> Awaitable[RecordMetadata]:
        """Queue a record; the returned future resolves when it is committed."""
        future, _ = await self._send(topic, key, value, partition, timestamp, headers)
        return future

    async def send_and_wait(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> RecordMetadata:
        """Queue a record; wait for it unless it belongs to an event that is still being processed."""
        future, source = await self._send(topic, key, value, partition, timestamp, headers)
        if source is None:
            return await future
        future.add_done_callback(_ignore_outcome)
        number = OFFSET_UNKNOWN if partition is None else partition
        return RecordMetadata(topic, number, TP(topic, number), OFFSET_UNKNOWN, timestamp, 0)

    async def _send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
    ) -> tuple[Delivery, Source | None]:
        transport = cast("Any", self.transport)
        await transport.ensure_topic(topic)
        if partition is None:
            partition = transport.partition(topic, key)
        future = Delivery(loop=asyncio.get_running_loop())
        source = self.enqueue(
            topic, key, value, partition, timestamp, headers, _settle_future(future, TP(topic, partition), timestamp)
        )
        if source is not None:
            future.look = partial(self.waits.look_at, future, source, topic)
        return future, source

    async def flush(self) -> None:
        """Write all outputs of finished events; returns when they are in the log.

        Raises:
            DeliveryAwaitedError: inside of an event that has produced something: that is written when it has ended.
        """
        source = self.waits.current()
        if source is not None and source in self.committer.pending:
            raise DeliveryAwaitedError(explanation("any topic (a flush)", source, source))
        await self.committer.commit()

    async def create_topic(
        self,
        topic: str,
        partitions: int,
        replication: int,
        *,
        config: Mapping[str, Any] | None = None,
        timeout: Seconds = 1000.0,
        retention: Seconds | None = None,
        compacting: bool | None = None,
        deleting: bool | None = None,
        ensure_created: bool = False,
    ) -> None:
        """Create a topic that does not exist; an existing one keeps its partition count."""
        await create_topic(self.transport, topic, partitions, retention, compacting, deleting)

    def key_partition(self, topic: str, key: bytes | None) -> TP:
        """The partition of a key, as Kafka's default partitioner would choose it."""
        return TP(topic, cast("Any", self.transport).partition(topic, key))

    def supports_headers(self) -> bool:
        """Headers are supported."""
        return True


async def create_topic(
    transport: Any,
    topic: str,
    partitions: int | None,
    retention: Seconds | None,
    compacting: bool | None,
    deleting: bool | None,
) -> None:
    """Create a topic with Faust's arguments; shared by consumer and producer."""
    cleanup: Cleanup = "delete"
    if compacting:
        cleanup = "compact,delete" if deleting else "compact"
    retention_ms = int(want_seconds(retention) * 1000) if retention else 0
    await transport.ensure_topic(topic, partitions, cleanup=cleanup, retention_ms=retention_ms)


def _settle_future(future: Delivery, tp: TP, timestamp: float | None) -> Any:
    def settle(offset: int | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None or offset is None:
            future.drop(error or OutputDroppedError("not written"))
        else:
            future.set_result(RecordMetadata(tp.topic, tp.partition, tp, offset, timestamp, 0))

    return settle


def _settle_message(fut: FutureMessage) -> Any:
    message = fut.message

    def settle(offset: int | None, error: BaseException | None) -> None:
        if fut.done():
            return
        if error is not None or offset is None:
            fut.set_exception(error or OutputDroppedError("not written"))
            fut.exception()
            return
        topic = message.channel.get_topic_name()
        partition = message.partition if message.partition is not None else OFFSET_UNKNOWN
        fut.set_result(RecordMetadata(topic, partition, TP(topic, partition), offset, message.timestamp, 0))
        if message.callback:
            message.callback(fut)

    return settle


def _ignore_outcome(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
