"""From a message to Faust's event in one plain call, where Faust's codecs go through a coroutine and five look-ups.

What it gives is what Faust gives, for the codecs and types that are common; for all others it calls Faust's registry.
An error is not explained here: whoever meets one has the message decoded by Faust.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import orjson
from faust import Record
from faust.models.base import Model
from faust.serializers.schemas import Schema
from faust.topics import Topic
from faust.types import ConsumerMessage

Decode = Callable[[ConsumerMessage], Any]
"""A message as an event; raises whatever goes wrong."""

Load = Callable[[bytes], Any]


def decoder(app: Any, channel: Any) -> Decode | None:
    """How to decode the messages of a topic's channel; None when it has a way of its own (a schema, a subclass)."""
    if type(channel) is not Topic or type(channel.schema) is not Schema:
        return None
    registry, schema = app.serializers, channel.schema
    load_key = loader(registry.loads_key, registry, schema.key_type, schema.key_serializer, registry.key_serializer)
    load_value = loader(
        registry.loads_value, registry, schema.value_type, schema.value_serializer, registry.value_serializer
    )
    event_class, value_type, may_be_empty = app.conf.Event, schema.value_type, schema.allow_empty

    def decode(message: ConsumerMessage) -> Any:
        key, value = message.key, message.value
        if value is not None:
            value = load_value(value)
        elif not may_be_empty:
            value = registry.loads_value(value_type, None, serializer=schema.value_serializer)
        if key is not None:
            key = load_key(key)
        elif schema.key_type is not None:
            key = registry.loads_key(schema.key_type, None, serializer=schema.key_serializer)
        return event_class(app, key, value, message.headers, message)

    return decode


def loader(loads: Any, registry: Any, typ: Any, own: Any, default: Any) -> Load:
    """How to load keys or values of one type, which are not None.

    Args:
        loads: The registry's own way.
        registry: Faust's codecs.
        typ: What the topic declares; None is anything.
        own: The topic's codec.
        default: The app's codec.
    """
    codec = registry._serializer(typ, own, default)
    if codec == "raw" and typ is bytes:
        return _as_it_is
    if codec == "raw" and typ is str:
        return cast("Load", bytes.decode)
    if codec == "json" and typ is None:
        return _json
    if codec == "json" and isinstance(typ, type) and issubclass(typ, Record):
        return lambda data: typ.from_data(orjson.loads(data), preferred_type=typ)
    return lambda data: loads(typ, data, serializer=own)


def _as_it_is(data: bytes) -> bytes:
    return data


def _json(data: bytes) -> Any:
    value = orjson.loads(data)
    if type(value) is dict and Model._blessed_key not in value:
        return value
    return Model._maybe_reconstruct(value)
