"""Adapt Faust's sends to the pending writes. The commit of an event also writes the records that it sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from faust.transport import producer as base
from faust.types import TP, FutureMessage, Message, RecordMetadata
from mode import Seconds, Service, want_seconds

from faust_redis.driver import faust_internals as internals
from faust_redis.driver.commit.committer import Committer, OutputDroppedError
from faust_redis.driver.commit.outputs import Settle
from faust_redis.driver.faust_api.composition import Driver
from faust_redis.driver.limits import PENDING_RECORDS_MAX
from faust_redis.driver.sending.fast_topics import Finder, enable_fast_path
from faust_redis.driver.sending.waits import DeliveryAwaitedError, DeliveryFuture, WatchedMessage, explanation
from faust_redis.driver.source import Source
from faust_redis.driver.topics import Topics
from faust_redis.log.records import Cleanup

OFFSET_UNKNOWN = -1
"""The offset of a record that is not committed yet."""


class Buffer(Service):
    """Replaces Faust's producer buffer. Records wait in the pending writes instead."""

    def __init__(self, producer: Producer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.producer = producer
        self.max_messages = PENDING_RECORDS_MAX

    @property
    def size(self) -> int:
        """Return how many records wait for a commit."""
        return len(self.producer.committer.pending)

    def put(self, fut: FutureMessage) -> None:
        """Queue a message that Faust prepared (a table's changelog record, or `send_soon`)."""
        producer, message = self.producer, fut.message
        topic = message.channel.get_topic_name()
        source = producer.writes.enqueue(
            topic,
            message.key,
            message.value,
            message.partition,
            message.timestamp,
            message.headers,
            _settle_message(fut, producer.sensors_of(topic, message)),
        )
        if source is not None:
            internals.become(fut, WatchedMessage)
            watched = cast("WatchedMessage", fut)
            watched.look = partial(producer.waits.look_at, watched, source, topic)
        enable_fast_path(message.channel)

    async def flush(self) -> None:
        """Write the outputs of finished events."""
        await self.producer.committer.commit()

    async def flush_atmost(self, max_messages: int | None) -> int:
        """Write the outputs of finished events; return how many records left the buffer."""
        before = self.size
        await self.flush()
        return before - self.size

    async def wait_until_ebb(self) -> None:
        """Return at once. The hand-over waits for capacity earlier, where a rebalance can interrupt the wait."""


class Producer(base.Producer):
    """Faust producer over the log.

    Inside an agent, `send` joins the event's commit. The record is not visible before that commit, so the delivery
    future resolves after it. For the same reason, `send_and_wait` inside an agent returns at once, with offset -1.
    Outside of an agent, both write at once.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop | None = None, **kwargs: Any) -> None:
        if transport.app.conf.producer_threaded:
            raise NotImplementedError("producer_threaded is not supported by the Redis transport; leave it off")
        super().__init__(transport, loop=loop, **kwargs)
        self.buffer = cast("Any", Buffer(self, loop=self.loop, beacon=self.beacon))
        self._finder = Finder()
        self._undo_start: Callable[[], None] = lambda: None
        self.adopt(transport.driver)

    def adopt(self, driver: Driver) -> None:
        """Take over the driver's parts."""
        self.driver = driver
        self.committer: Committer = driver.committer
        self.writes = driver.writes
        self.waits = driver.waits
        self.telemetry = driver.telemetry
        self._flushing: asyncio.Future[bool] | None = None
        driver.writes.flush_soon = self._flush_soon

    async def on_start(self) -> None:
        """Wait for the broker."""
        await cast("Any", self.transport).open()
        self.app.sensors.add(self.driver.in_flight.tasks)
        self.app.sensors.add(self._finder)
        self.telemetry.refresh()
        await super().on_start()
        self._undo_start = internals.skip_producer_start(self.app, self._started_already)

    async def _started_already(self) -> Any:
        return cast("Any", self.app.consumer).transactions if self.app.in_transaction else self

    async def on_stop(self) -> None:
        """Write the outputs of finished events, drop the outputs of other events, and close the log."""
        self._undo_start()
        self.committer.stopping = True
        await self.committer.commit()
        self.app.sensors.remove(self.driver.in_flight.tasks)
        self.app.sensors.remove(self._finder)
        self.committer.drop("the worker stops")
        await cast("Any", self.transport).close()

    def sensors_of(self, topic: str, message: Any) -> Any:
        """Report to sensors that a message joins the pending writes; return a function for the outcome, or None.

        Sensors receive changelog records as table accesses instead.
        """
        if not self.telemetry.sensors or self.driver.tables.is_changelog(topic):
            return None
        return self.telemetry.send_begun(topic, message, message.key, message.value)

    def change(self, changelog: str, rows: Sequence[tuple[bytes, bytes | None]], message: Message) -> None:
        """Add rows that an event changed to the pending writes."""
        self.writes.change(changelog, rows, message)

    def _flush_soon(self) -> None:
        if self._flushing is None or self._flushing.done():
            self._flushing = cast("asyncio.Future[bool]", self.add_future(self._flush_outside()))

    async def _flush_outside(self) -> bool:
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
    ) -> tuple[DeliveryFuture, Source | None]:
        topics = self.driver.topics
        await topics.ensure(topic)
        if partition is None:
            partition = topics.partition(topic, key)
        future = DeliveryFuture(loop=asyncio.get_running_loop())
        source = self.writes.enqueue(
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
        if source is not None and (source in self.committer.pending or source in self.writes.unjoined):
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
        await create_topic(self.driver.topics, topic, partitions, retention, compacting, deleting)

    def key_partition(self, topic: str, key: bytes | None) -> TP:
        """Return the partition of a key, as Kafka's default partitioner chooses it."""
        return TP(topic, self.driver.topics.partition(topic, key))

    def supports_headers(self) -> bool:
        """Return True: headers are supported."""
        return True


async def create_topic(
    topics: Topics,
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
    await topics.ensure(topic, partitions, cleanup=cleanup, retention_ms=retention_ms)


def _settle_future(future: DeliveryFuture, tp: TP, timestamp: float | None) -> Settle:
    def settle(offset: int | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None or offset is None:
            future.drop(error or OutputDroppedError("not written"))
        else:
            future.set_result(RecordMetadata(tp.topic, tp.partition, tp, offset, timestamp, 0))

    return settle


def _settle_message(fut: FutureMessage, on_outcome: Any) -> Settle:
    message = fut.message

    def settle(offset: int | None, error: BaseException | None) -> None:
        metadata: RecordMetadata | None = None
        if error is None and offset is not None:
            topic = message.channel.get_topic_name()
            partition = message.partition if message.partition is not None else OFFSET_UNKNOWN
            metadata = RecordMetadata(topic, partition, TP(topic, partition), offset, message.timestamp, 0)
        if on_outcome is not None:
            on_outcome(offset, error, metadata)
        if fut.done():
            return
        if metadata is None:
            fut.set_exception(error or OutputDroppedError("not written"))
            fut.exception()
            return
        fut.set_result(metadata)
        if message.callback:
            message.callback(fut)

    return settle


def _ignore_outcome(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
