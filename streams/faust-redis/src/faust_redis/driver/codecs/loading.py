"""Decode keys and values in one plain call, where Faust's codecs go through a coroutine and five look-ups.

The result equals Faust's. Common codecs and types have a short cut; all others go through Faust's registry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import orjson
from faust import Record

from faust_redis.driver import faust_internals as internals

Load = Callable[[bytes], Any]
"""Decodes a key or value that is not None; raises whatever goes wrong."""


def loader(loads: Any, registry: Any, typ: Any, own: Any, default: Any) -> Load:
    """Return how to load keys or values of one type, which are not None.

    Args:
        loads: The registry's method, for keys or for values.
        registry: Faust's codecs.
        typ: The type that the topic declares; None is any.
        own: The topic's codec.
        default: The app's codec.
    """
    codec = internals.codec_name(registry, typ, own, default)
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
    translate = internals.field_translator(typ)

    def load(data: bytes) -> Any:
        fields = orjson.loads(data)
        if type(fields) is not dict or internals.is_blessed(fields):
            return typ.from_data(fields, preferred_type=typ)
        translate(fields)
        return typ(**fields, __strict__=False)

    return load


def _as_it_is(data: bytes) -> bytes:
    return data


def _json(data: bytes) -> Any:
    value = orjson.loads(data)
    return internals.reconstruct(value) if type(value) is dict and internals.is_blessed(value) else value
