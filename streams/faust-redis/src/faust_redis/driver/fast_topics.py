"""Faust's topic with a short way for what agents send inside of their events: one output and one future.

Faust's own way leads through a message, its schema, every sensor, and two futures with a callback between them. What is
appended is the same record, and it joins the same commit. A topic goes the short way from its second message on: the
first makes it known, to the log's client and to us, since Faust keeps no list of an app's topics.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from faust.serializers.schemas import Schema
from faust.streams import current_event
from faust.topics import Topic
from faust.types import TP, FutureMessage, PendingMessage, RecordMetadata

from faust_redis.driver.committer import OutputDroppedError
from faust_redis.driver.encoding import Dump, dumper
from faust_redis.driver.messages import listens_to_sends
from faust_redis.driver.pending_writes import Output
from faust_redis.driver.waits import DriverSensor, times_no_event
from faust_redis.typed import Typed

if TYPE_CHECKING:
    from faust_redis.driver.producer import Producer


class Sent(FutureMessage):
    """The delivery of a record, and Faust's message of it for who asks for that."""

    __slots__ = ("_channel", "_output", "_timestamp", "_waits")

    def __init__(self, channel: FastTopic, output: Output, timestamp: float | None, waits: Any) -> None:
        asyncio.Future.__init__(self)
        self._channel, self._output, self._timestamp, self._waits = channel, output, timestamp, waits

    @property
    def message(self) -> PendingMessage:  # type: ignore[override]
        """The message as Faust has it."""
        output = self._output
        return PendingMessage(
            cast("Any", self._channel), output.key, output.value, output.partition, self._timestamp, {}, None, None,
            None,
        )  # fmt: skip

    def settle(self, offset: int | None, error: BaseException | None) -> None:
        """Tell the outcome; quietly, if it is an error."""
        output = self._output
        output.settle = None
        if self.done():
            return
        if offset is None or output.partition is None:
            self.fail(error or OutputDroppedError("not written"))
            self.exception()
        else:
            tp = TP(output.topic, output.partition)
            self.set_result(RecordMetadata(output.topic, output.partition, tp, offset, self._timestamp, 0))

    def fail(self, error: BaseException) -> None:
        """Fail it for those who wait for it."""
        self.set_exception(error)

    def add_done_callback(self, fn: Any, *, context: Any = None) -> None:
        """As in asyncio; whoever it is that begins to wait here is looked at in the loop's next turn."""
        super().add_done_callback(fn, context=context)
        output = self._output
        self.get_loop().call_soon(self._waits.look_at, self, output.source, output.topic)


class FastTopic(Topic):
    """A topic whose messages join the event that sends them, where nothing needs Faust's way."""

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
                monitor, topic = cast("Any", self.app).monitor, sent._output.topic
                monitor.messages_sent += 1
                monitor.messages_sent_by_topic[topic] += 1
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
        """Put a record into the pending with the current event; None where Faust's way is needed."""
        event, way = current_event(), self._way
        if event is None or way is None or event.app is not self.app:
            return None
        producer: Producer = cast("Any", self.app).producer
        topic, dump_key, dump_value = way
        if not producer.knows(topic):
            return None
        key = None if key is None else dump_key(key)
        value = dump_value(value)
        if not _is_raw(key) or not _is_raw(value):
            return None
        timestamp_ms = int((time.time() if timestamp is None else timestamp) * 1000)
        output = Output(topic, partition, key, value, timestamp_ms, (), None, None)
        sent = Sent(self, output, timestamp, producer.waits)
        output.settle = sent.settle
        return sent if producer.join(output, event.message) else None

    @cached_property
    def _way(self) -> tuple[str, Dump, Dump] | None:
        """Name, and how keys and values are dumped; None when the topic or its app needs Faust's way for all."""
        app, schema = cast("Any", self.app), cast("Any", self.schema)
        if (
            type(schema) not in {Schema, Typed}
            or len(self.topics) != 1
            or self.topics[0] == app.conf.reply_to
            or app.conf.stream_publish_on_commit
            or app.client_only
            or listens_to_sends(app)
            or not times_no_event(app)
        ):
            return None
        registry, key_codec, value_codec = app.serializers, schema.key_serializer, schema.value_serializer
        dump_key = dumper(registry.dumps_key, registry, schema.key_type, key_codec, registry.key_serializer)
        if isinstance(schema, Typed):
            return self.topics[0], dump_key, schema.dump
        dump_value = dumper(registry.dumps_value, registry, schema.value_type, value_codec, registry.value_serializer)
        return self.topics[0], dump_key, dump_value


class Finder(DriverSensor):
    """Finds the topics that an app sends to."""

    def on_send_initiated(self, producer: Any, topic: str, message: PendingMessage, keysize: int, valsize: int) -> None:
        """A message goes Faust's way."""
        enable_fast_path(message.channel)


def enable_fast_path(channel: Any) -> None:
    """Have a topic go the short way from now on, unless it is of a class of its own."""
    if type(channel) is Topic:
        channel.__class__ = FastTopic


def _is_raw(data: Any) -> bool:
    """Whether it can be appended as it is; what else a codec gives is Faust's to deal with."""
    return data is None or type(data) is bytes
