"""Provide the fast path of topics: a send inside an event creates only one output and one future.

Faust's own path goes through a message, its schema, and two futures with a callback between them. Both paths add the
same record to the same commit. A topic takes the fast path from its second message on. Faust keeps no list of an app's
topics, so the first message makes the topic known to the log's client and to the driver.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from functools import cached_property
from typing import Any, Protocol, cast

from faust.serializers.schemas import Schema
from faust.streams import current_event
from faust.topics import Topic
from faust.types import TP, FutureMessage, Message, PendingMessage, RecordMetadata

from faust_redis.driver.codecs.encoding import Dump, dumper
from faust_redis.driver.commit.committer import OutputDroppedError
from faust_redis.driver.commit.outputs import Output
from faust_redis.driver.faust_internals import become
from faust_redis.driver.headers import listens_to_sends
from faust_redis.driver.sending.waits import Waits
from faust_redis.driver.telemetry import DriverSensor, SendOutcome, Telemetry
from faust_redis.typed import Typed


class Writes(Protocol):
    """The pending writes, as the fast path uses them."""

    def knows(self, topic: str) -> bool:
        """Return whether a topic is known to exist."""

    def join(self, output: Output, message: Message) -> bool:
        """Add a record of an event; return False when the event is over."""


class FastProducer(Protocol):
    """The producer, as the fast path needs it."""

    writes: Writes
    waits: Waits
    telemetry: Telemetry


class Sent(FutureMessage):
    """The outcome of a send, which also offers Faust's message of it."""

    __slots__ = ("_channel", "_tell", "_timestamp", "_waits", "output")

    def __init__(self, channel: FastTopic, output: Output, timestamp: float | None, waits: Any) -> None:
        asyncio.Future.__init__(self)
        self._channel, self.output, self._timestamp, self._waits = channel, output, timestamp, waits
        self._tell: SendOutcome | None = None

    def tell(self, sensors: SendOutcome) -> None:
        """Report the outcome to sensors."""
        self._tell = sensors

    @property
    def message(self) -> PendingMessage:  # type: ignore[override]
        """Return Faust's form of the message."""
        output = self.output
        return PendingMessage(
            cast("Any", self._channel), output.key, output.value, output.partition, self._timestamp, {}, None, None,
            None,
        )  # fmt: skip

    def settle(self, offset: int | None, error: BaseException | None) -> None:
        """Tell the outcome; quietly, if it is an error."""
        output = self.output
        output.settle = None
        metadata: RecordMetadata | None = None
        if offset is not None and output.partition is not None:
            tp = TP(output.topic, output.partition)
            metadata = RecordMetadata(output.topic, output.partition, tp, offset, self._timestamp, 0)
        if self._tell is not None:
            self._tell(offset, error, metadata)
        if self.done():
            return
        if metadata is None:
            self.fail(error or OutputDroppedError("not written"))
            self.exception()
        else:
            self.set_result(metadata)

    def fail(self, error: BaseException) -> None:
        """Fail the delivery for the tasks that wait for it."""
        self.set_exception(error)

    def add_done_callback(self, fn: Any, *, context: Any = None) -> None:
        """Add a callback as asyncio does. In the loop's next turn, the driver checks which task began to wait."""
        super().add_done_callback(fn, context=context)
        output = self.output
        self.get_loop().call_soon(self._waits.look_at, self, output.source, output.topic)


class FastTopic(Topic):
    """A topic whose messages join the event that sends them, unless they need Faust's own path."""

    async def send(
        self,
        *,
        key: Any = None,
        value: Any = None,
        partition: int | None = None,
        timestamp: float | None = None,
        headers: Any = None,
        schema: Any = None,
        key_serializer: Any = None,
        value_serializer: Any = None,
        callback: Any = None,
        force: bool = False,
    ) -> Awaitable[RecordMetadata]:
        """Send a message; the returned future resolves when it is committed."""
        if not (headers or schema or key_serializer or value_serializer or callback or force):
            sent = self._join(key, value, partition, timestamp)
            if sent is not None:
                self._producer.telemetry.count_sent(sent.output.topic)
                return sent
        return await super().send(
            key=key, value=value, partition=partition, timestamp=timestamp, headers=headers, schema=schema,
            key_serializer=key_serializer, value_serializer=value_serializer, callback=callback, force=force,
        )  # fmt: skip

    def send_soon(
        self,
        *,
        key: Any = None,
        value: Any = None,
        partition: int | None = None,
        timestamp: float | None = None,
        headers: Any = None,
        schema: Any = None,
        key_serializer: Any = None,
        value_serializer: Any = None,
        callback: Any = None,
        force: bool = False,
        eager_partitioning: bool = False,
    ) -> FutureMessage:
        """Send a message, without `await`."""
        if not (headers or schema or key_serializer or value_serializer or callback or force or eager_partitioning):
            sent = self._join(key, value, partition, timestamp)
            if sent is not None:
                return sent
        return super().send_soon(
            key=key, value=value, partition=partition, timestamp=timestamp, headers=headers, schema=schema,
            key_serializer=key_serializer, value_serializer=value_serializer, callback=callback, force=force,
            eager_partitioning=eager_partitioning,
        )  # fmt: skip

    def _join(self, key: Any, value: Any, partition: int | None, timestamp: float | None) -> Sent | None:
        """Add a record to the current event; return None when the send needs Faust's own path."""
        event, way = current_event(), self.fast_path
        if event is None or way is None or event.app is not self.app:
            return None
        producer = self._producer
        topic, dump_key, dump_value = way
        if not producer.writes.knows(topic):
            return None
        key = None if key is None else dump_key(key)
        value = dump_value(value)
        if not _is_raw(key) or not _is_raw(value):
            return None
        timestamp_ms = int((time.time() if timestamp is None else timestamp) * 1000)
        output = Output(topic, partition, key, value, timestamp_ms, (), None, None)
        sent = Sent(self, output, timestamp, producer.waits)
        output.settle = sent.settle
        if not producer.writes.join(output, event.message):
            return None
        if producer.telemetry.sensors:
            sent.tell(producer.telemetry.send_begun(topic, sent.message, key, value))
        return sent

    @property
    def _producer(self) -> FastProducer:
        return cast("FastProducer", self.app.producer)

    @cached_property
    def fast_path(self) -> tuple[str, Dump, Dump] | None:
        """Return the topic's name and its encoders of keys and values; None when all sends need Faust's own path."""
        app, schema = cast("Any", self.app), cast("Any", self.schema)
        if (
            type(schema) not in {Schema, Typed}
            or len(self.topics) != 1
            or self.topics[0] == app.conf.reply_to
            or app.conf.stream_publish_on_commit
            or app.client_only
            or listens_to_sends(app)
        ):
            return None
        registry, key_codec, value_codec = app.serializers, schema.key_serializer, schema.value_serializer
        dump_key = dumper(registry.dumps_key, registry, schema.key_type, key_codec, registry.key_serializer)
        if isinstance(schema, Typed):
            return self.topics[0], dump_key, schema.dump
        dump_value = dumper(registry.dumps_value, registry, schema.value_type, value_codec, registry.value_serializer)
        return self.topics[0], dump_key, dump_value


class Finder(DriverSensor):
    """Finds the topics to which an app sends."""

    def on_send_initiated(self, producer: Any, topic: str, message: PendingMessage, keysize: int, valsize: int) -> None:
        """Enable the fast path of a topic after its first message took Faust's own path."""
        enable_fast_path(message.channel)


def enable_fast_path(channel: Any) -> None:
    """Make a topic take the fast path from now on, unless it has the app's own topic class."""
    if type(channel) is Topic:
        become(channel, FastTopic)


def _is_raw(data: Any) -> bool:
    """Return whether the log can append a codec's result unchanged. Faust handles all other results."""
    return data is None or type(data) is bytes
