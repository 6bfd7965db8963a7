"""Read records for feeds: find the changed row, its channels, and the data that subscribers get."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from faust_redis.log import StoredRecord
from faust_redis.log.records import REPLAY_FOR_HEADER
from pydantic import JsonValue

from api.kit.feeds.change import Read, Reading
from api.kit.projection import Projection
from streams.events.base import EventData
from tables.keys import SEPARATOR


def user_rows(projection: Projection[Any]) -> Read:
    """Read rows whose key begins with a user's id. The channel is the user."""

    def read(_: int, record: StoredRecord) -> Reading | None:
        if record.key is None:
            return None
        key, value = record.key.decode(), record.value
        user_id = key.partition(SEPARATOR)[0]
        if value is None:
            return Reading(key, (user_id,), lambda: {"key": key, "deleted": True})
        return Reading(key, (user_id,), lambda: projection.load(key, value))

    return read


def events(models: Iterable[type[EventData]], channel_of: Callable[[dict[str, Any]], str]) -> Read:
    """Read events of some classes; pass over others, and over copies that a replay appended for one consumer group.

    `channel_of` gets the event as JSON.
    """
    types = frozenset(model.event_type() for model in models)

    def read(_: int, record: StoredRecord) -> Reading | None:
        if any(name == REPLAY_FOR_HEADER for name, _ in record.headers):
            return None
        try:
            event = orjson.loads(record.value or b"null")
            if event["type"] not in types:
                return None
            channel, data = str(channel_of(event)), _data_of(event)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return None  # not an event; the workers put such records into the dead letters
        return Reading(record.offset, (channel,), lambda: data)

    return read


def _data_of(event: dict[str, Any]) -> JsonValue:
    return {
        "event_id": event["id"],
        "type": event["type"].split(".")[2],
        "time": event["time"],
        "user_id": event["partitionkey"],
        **event["data"],
    }
