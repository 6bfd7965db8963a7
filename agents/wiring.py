"""What every domain's agents share: raw topics, decoding, sending on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import faust
from faust.types import EventT, StreamT, TopicT

from streams.events import AnyEvent
from streams.events.recent import Recent
from tables.batches import Tables

SECOND_MS = 1_000

Handler = Callable[[AnyEvent], list[AnyEvent]]


class Message(Protocol):
    """A record of a batch: its value."""

    @property
    def value(self) -> bytes | None:
        """The bytes of an event."""


class Messages(Protocol):
    """A batch of raw records of one partition, and where to send what follows."""

    @property
    def partition(self) -> int:
        """The partition that they stand in."""

    def __iter__(self) -> Iterator[Message]:
        """The records in their order."""

    def send(self, topic: str, *, key: bytes, value: bytes, partition: int, timestamp_ms: int) -> None:
        """Append a record with the commit of this batch."""


class _Single:
    """One event of a stream as a batch."""

    def __init__(self, app: faust.App, delivered: EventT[Any]) -> None:
        self._app = app
        self._delivered = delivered
        self.partition: int = delivered.message.partition

    def __iter__(self) -> Iterator[Message]:
        return iter((self._delivered,))

    def send(self, topic: str, *, key: bytes, value: bytes, partition: int, timestamp_ms: int) -> None:
        raw_topic(self._app, topic).send_soon(
            key=key, value=value, partition=partition, timestamp=timestamp_ms / SECOND_MS
        )


def consume(app: faust.App, topic: str, name: str, do: Callable[[Messages], None]) -> None:
    """Add an agent that does something with each batch of a topic's records."""

    async def handle(stream: StreamT[Any]) -> None:
        async for delivered in stream.events():
            do(_Single(app, delivered))

    app.agent(raw_topic(app, topic), name=name)(handle)


def raw_topic(app: faust.App, name: str) -> TopicT:
    """A topic of raw bytes with the application's number of partitions."""
    return app.topic(
        name,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=app.conf.topic_partitions,
        allow_empty=True,
    )


def work(batch: Messages, *, handle: Handler, tables: Tables, codec: Recent, out: str = "") -> None:
    """Decode each record, handle it, and send what follows to the same partition number of `out`, if that is given.

    The tables' rows are written once, at the end. What cannot be decoded or handled raises, and then nothing is
    written: the driver takes back the batch and delivers its records one by one; the one that fails becomes a dead
    letter.
    """
    with tables.batch():
        for record in batch:
            for event in handle(codec.decode(record.value)):
                if out:
                    send(batch, out, event, codec, batch.partition)


def send(batch: Messages, out: str, event: AnyEvent, codec: Recent, partition: int) -> None:
    """Append an event to a partition, under its key and at its event time."""
    batch.send(
        out,
        key=event.partitionkey.encode(),
        value=codec.encode(event),
        partition=partition,
        timestamp_ms=event.time.milliseconds(),
    )


def copy_to_all(batch: Messages, *, codec: Recent, out: str, partitions: int) -> None:
    """Copy each event, as it is, to every partition of `out`."""
    for record in batch:
        event = codec.decode(record.value)
        for partition in range(partitions):
            send(batch, out, event, codec, partition)
