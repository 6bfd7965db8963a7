"""What every domain's agents share: raw topics, decoding, sending on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import faust
from faust.types import StreamT, TopicT

from streams.events import AnyEvent, decode, encode
from streams.times import SECOND_US

Handler = Callable[[AnyEvent], list[AnyEvent]]


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


async def consume(stream: StreamT[Any], handle: Handler, out: TopicT | None = None) -> None:
    """Decode each message, handle it, and send what follows to the same partition number of `out`.

    What cannot be decoded or handled raises: the driver drops what it had produced and makes it a dead letter.
    """
    async for delivered in stream.events():
        for event in handle(decode(delivered.value)):
            if out is not None:
                await send(out, event, delivered.message.partition)


async def send(out: TopicT, event: AnyEvent, partition: int) -> None:
    """Append an event to a partition, under its key and at its event time. Does not wait for delivery."""
    await out.send(
        key=event.partitionkey.encode(),
        value=encode(event),
        partition=partition,
        timestamp=event.time / SECOND_US,
    )


async def copy_to_all(stream: StreamT[Any], out: TopicT, partitions: int) -> None:
    """Copy each event, as it is, to every partition of `out`."""
    async for delivered in stream.events():
        event = decode(delivered.value)
        for partition in range(partitions):
            await send(out, event, partition)
