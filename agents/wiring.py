"""What every domain's agents share: raw topics, decoding, sending on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import faust
from faust.types import TopicT
from faust_redis.batches import Batch, batch_agent

from streams.events import AnyEvent
from streams.events.recent import Recent
from tables.unit_of_work import UnitOfWork

Handler = Callable[[AnyEvent], list[AnyEvent]]


class Messages(Protocol):
    """Of a batch what is used here: its values, and where to send what follows."""

    @property
    def values(self) -> Sequence[bytes | None]:
        """The bytes of its events."""

    @property
    def partition(self) -> int:
        """The partition that they stand in."""

    def send(self, topic: Any, *, key: bytes, value: bytes, timestamp_ms: int, partition: int) -> None:
        """Append a record with the commit of the batch."""


COMMIT_US_MAX = 5_000
"""How long the commit of a batch may block the server, in microseconds: larger batches write fewer rows a fill, and the
API stands to wait that long (docs/decisions/0012-batches-learn-what-they-cost.md)."""

BatchHandler = Callable[[Messages], None]
"""What a domain does with a batch of a topic."""


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


def consume(app: faust.App, topic: TopicT, name: str, *does: BatchHandler) -> None:
    """Add the agent of a topic: with each batch of its records it does one thing after the other.

    One agent a topic, whichever domains read it: a record is then delivered and finished once. It fails for all of them
    at once anyway.
    """

    async def handle(batch: Batch[bytes | None]) -> None:
        for do in does:
            do(batch)

    batch_agent(app, topic, name=name, commit_us_max=COMMIT_US_MAX)(handle)


def handle_batch(
    batch: Messages, *, handle: Handler, tables: UnitOfWork, codec: Recent, out: TopicT | None = None
) -> None:
    """Decode each record, handle it, and send what follows to the same partition number of `out`, if that is given.

    The tables' rows are written once, at the end. What cannot be decoded or handled raises, and then nothing is
    written: the driver takes back the batch and delivers its records one by one; the one that fails becomes a dead
    letter.
    """
    with tables.batch():
        for value in batch.values:
            for event in handle(codec.decode(value)):
                if out is not None:
                    send(batch, out, event, codec, batch.partition)


def send(batch: Messages, out: TopicT, event: AnyEvent, codec: Recent, partition: int) -> None:
    """Append an event to a partition, under its key and at its event time."""
    batch.send(
        out,
        key=event.partitionkey.encode(),
        value=codec.encode(event),
        partition=partition,
        timestamp_ms=event.time.milliseconds(),
    )


def broadcast(batch: Messages, *, codec: Recent, out: TopicT, partitions: int) -> None:
    """Copy each event, as it is, to every partition of `out`."""
    for value in batch.values:
        event = codec.decode(value)
        for partition in range(partitions):
            send(batch, out, event, codec, partition)
