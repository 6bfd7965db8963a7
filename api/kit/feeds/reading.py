"""Read records for feeds: find the changed row, its channels, and the data that subscribers get."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any

import orjson
from faust_redis.log import StoredRecord
from faust_redis.log.records import REPLAY_FOR_HEADER
from pydantic import JsonValue

from api.kit.feeds.change import Read, Reading
from api.kit.projection import Projection
from api.kit.sealing import Sealer
from streams.events.base import EventData
from tables.keys import SEPARATOR


def user_rows(projection: Projection[Any]) -> Callable[[Sealer], Read]:
    """Read rows whose key begins with a user's id. The channel is the user."""

    def read(_: int, record: StoredRecord) -> Reading | None:
        if record.key is None:
            return None
        key, value = record.key.decode(), record.value
        user_id = key.partition(SEPARATOR)[0]
        if value is None:
            return Reading(key, (user_id,), lambda: {"key": key, "deleted": True})
        return Reading(key, (user_id,), lambda: projection.load(key, value))

    return lambda _sealer: read


def keyed_rows(projection: Projection[Any]) -> Callable[[Sealer], Read]:
    """Read rows of which a reader names each that it follows. The channel is the row's key."""

    def read(_: int, record: StoredRecord) -> Reading | None:
        if record.key is None or record.value is None:
            return None
        key, value = record.key.decode(), record.value
        return Reading(key, (key,), lambda: projection.load(key, value))

    return lambda _sealer: read


Show = Callable[[dict[str, Any], Sealer], JsonValue]
"""Returns what clients see of an event, which is given as JSON. It takes no part of the event that it does not name."""


def event_in_full(event: dict[str, Any], _sealer: Sealer) -> JsonValue:
    """Return all data of an event, with its id, type, time and user."""
    return {
        "event_id": event["id"],
        "type": event["type"].split(".")[2],
        "time": event["time"],
        "user_id": event["partitionkey"],
        **event["data"],
    }


def events(
    models: Iterable[type[EventData]],
    channel_of: Callable[[dict[str, Any]], str],
    show: Show = event_in_full,
) -> Callable[[Sealer], Read]:
    """Read events of some classes; pass over others, and over copies that a replay appended for one consumer group.

    `channel_of` gets the event as JSON.
    """
    types = frozenset(model.event_type() for model in models)

    def reader(sealer: Sealer) -> Read:
        def read(_: int, record: StoredRecord) -> Reading | None:
            event = event_of(record, types)
            if event is None:
                return None
            try:
                channel, row = str(channel_of(event)), show(event, sealer)
            except (KeyError, TypeError):
                return None  # not an event; the workers put such records into the dead letters
            return Reading(record.offset, (channel,), lambda: row)

        return read

    return reader


def event_of(record: StoredRecord, types: Container[str]) -> dict[str, Any] | None:
    """Return a record's event as JSON, None when it is of another type, no event, or a copy for one consumer group."""
    if any(name == REPLAY_FOR_HEADER for name, _ in record.headers):
        return None
    try:
        event: dict[str, Any] = orjson.loads(record.value or b"null")
        return event if event["type"] in types else None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
