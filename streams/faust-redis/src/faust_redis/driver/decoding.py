"""Keys and values in one plain call, where Faust's codecs go through a coroutine and five look-ups.

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

from faust_redis.driver.fast_topics import FastTopic
from faust_redis.typed import Typed

Decode = Callable[[bytes | None, bytes | None], tuple[Any, Any]]
"""Raw key and value, decoded; raises whatever goes wrong."""

Load = Callable[[bytes], Any]


def decoder(app: Any, channel: Any) -> Decode | None:
    """How to decode what a topic's channel reads; None when it has a way of its own (a schema, a subclass)."""
    if type(channel) not in {Topic, FastTopic} or type(channel.schema) not in {Schema, Typed}:
        return None
    registry, schema = app.serializers, channel.schema
    load_key = loader(registry.loads_key, registry, schema.key_type, schema.key_serializer, registry.key_serializer)
    if isinstance(schema, Typed):
        load_value: Load = schema.load
    else:
        load_value = loader(
            registry.loads_value, registry, schema.value_type, schema.value_serializer, registry.value_serializer
        )

    def decode(key: bytes | None, value: bytes | None) -> tuple[Any, Any]:
        if key is None or value is None:
            return _with_none(registry, schema, key, value)
        return load_key(key), load_value(value)

    return decode


def _with_none(registry: Any, schema: Any, key: bytes | None, value: bytes | None) -> tuple[Any, Any]:
    key = registry.loads_key(schema.key_type, key, serializer=schema.key_serializer)
    if isinstance(schema, Typed):
        return key, schema.load(value or b"")
    if value is not None or not schema.allow_empty:
        value = registry.loads_value(schema.value_type, value, serializer=schema.value_serializer)
    return key, value


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
        return _record_loader(typ)
    return lambda data: loads(typ, data, serializer=own)


def _record_loader(typ: Any) -> Load:
    translate = typ._input_translate_fields

    def load(data: bytes) -> Any:
        fields = orjson.loads(data)
        if type(fields) is not dict or Model._blessed_key in fields:
            return typ.from_data(fields, preferred_type=typ)
        translate(fields)
        return typ(**fields, __strict__=False)

    return load


def _as_it_is(data: bytes) -> bytes:
    return data


def _json(data: bytes) -> Any:
    value = orjson.loads(data)
    return Model._maybe_reconstruct(value) if type(value) is dict and Model._blessed_key in value else value
