"""Encode keys and values in one plain call. The result equals that of Faust's codecs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import orjson
from faust.models.base import Model
from faust.utils import json

from faust_redis.driver import faust_internals as internals

Dump = Callable[[Any], Any]

_PLAIN = frozenset({str, int, float, bool})
"""Types for which Faust's JSON is orjson's as it is."""


def dumper(
    dumps: Any, registry: Any, typ: Any, own: Any, default: Any, check: Callable[[Any], Any] = lambda dumped: dumped
) -> Dump:
    """Return how to dump keys or values of one type.

    Args:
        dumps: The registry's method: for keys, or for values.
        registry: Faust's serializers of the app.
        typ: The declared type, if there is one.
        own: The declared codec, if there is one.
        default: The app's codec.
        check: Called with what the registry returns, which need not be bytes.
    """
    codec = internals.codec_name(registry, typ, own, default)

    def generic(value: Any) -> Any:
        return check(dumps(typ, value, serializer=own))

    def as_json(value: Any) -> Any:
        if type(value) in _PLAIN:
            return orjson.dumps(value)
        return generic(value) if isinstance(value, (bytes, Model)) else cast("Any", json).dumps(value)

    def raw(value: Any) -> Any:
        return value if type(value) is bytes else value.encode() if type(value) is str else generic(value)

    return {"json": as_json, "raw": raw}.get(codec, generic)


def as_bytes(dumped: Any) -> bytes:
    """Return a key or value of a table as bytes: a `check` for `dumper`.

    Raises:
        TypeError: when the codec gave no bytes.
    """
    if not isinstance(dumped, (bytes, bytearray, memoryview)):
        raise TypeError(f"a table's keys and values have to become bytes, not {type(dumped).__name__}: {dumped!r}")
    return bytes(dumped)
