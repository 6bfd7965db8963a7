"""Decode the records of a channel without Faust's coroutines.

The decoder does not explain errors. After an error, the caller lets Faust decode the message, which reports the cause.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faust.serializers.schemas import Schema
from faust.topics import Topic

from faust_redis.driver.codecs.loading import Load, loader
from faust_redis.driver.sending.fast_topics import FastTopic
from faust_redis.typed import Typed

Decode = Callable[[bytes | None, bytes | None], tuple[Any, Any]]
"""Decodes a raw key and value; raises the error of the codec."""


def decoder(app: Any, channel: Any) -> Decode | None:
    """Return a decoder for a channel's records; None when the channel's topic or schema is of an app's own class."""
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
