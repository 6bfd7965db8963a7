"""What every domain's agents share: raw topics, decoding, sending on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import faust
from faust.types import EventT, StreamT, TopicT

from streams.events import AnyEvent, UndecodableEventError, decode, encode
from streams.times import SECOND_US

log = logging.getLogger(__name__)

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

    A message that cannot be decoded is logged as an error and passed over.
    """
    async for delivered in stream.events():
        for event in _handled(delivered, handle):
            if out is not None:
                await send(out, event, delivered.message.partition)


def _handled(delivered: EventT[Any], handle: Handler) -> list[AnyEvent]:
    message = delivered.message
    try:
        return handle(decode(delivered.value))
    except UndecodableEventError as error:
        log.error(  # noqa: TRY400 - the position and the reason say it all; a traceback would not
            "passed over a message of %s, partition %s, offset %s: %s",
            message.topic,
            message.partition,
            message.offset,
            error,
        )
        return []


async def send(out: TopicT, event: AnyEvent, partition: int) -> None:
    """Append an event to a partition, under its key and at its event time. Does not wait for delivery."""
    await out.send(
        key=event.partitionkey.encode(),
        value=encode(event),
        partition=partition,
        timestamp=event.time / SECOND_US,
    )


async def copy_to_all(stream: StreamT[Any], out: TopicT, partitions: int) -> None:
    """Copy each event, as it is, to every partition of `out`. A message that cannot be decoded is passed over."""
    async for delivered in stream.events():
        for event in _handled(delivered, _itself):
            for partition in range(partitions):
                await send(out, event, partition)


def _itself(event: AnyEvent) -> list[AnyEvent]:
    return [event]
