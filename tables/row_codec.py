"""Rows as MessagePack: a row is the array of its fields' values, in the declared order.

Integers of 64 bits are MessagePack integers. A quantity is binary: its integer of 1e-18, signed and big-endian. Any
other integer beyond 64 bits is an extension of type `WIDE_INTEGER` with such bytes. Depends on `streams` only.
Source of the codec: https://jcristharif.com/msgspec/
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from faust_redis import decoders

from streams.units import Quantity

T = TypeVar("T")

WIDE_INTEGER: Final = 1
"""The type of the MessagePack extension that holds an integer beyond 64 bits."""

_INT64_MIN: Final = -(2**63)
_UINT64_MAX: Final = 2**64 - 1


def dump(row: object) -> bytes:
    """Return a row as MessagePack bytes."""
    try:
        return _ENCODER.encode(row)
    except OverflowError:
        return _ENCODER.encode(_extended(msgspec.to_builtins(row, builtin_types=(bytes,), enc_hook=_encoded)))


@cache
def loader(kind: type[T]) -> Callable[[bytes], T]:
    """Return the function that reads rows of one kind. Threads may call both.

    The function raises `WireError` when the bytes are no such row.
    """
    decode = decoders.msgpack_decoder(kind, dec_hook=_decoded).decode

    def load(raw: bytes) -> T:
        try:
            return decode(raw)
        except msgspec.ValidationError:  # an extension where the row declares an integer, or no such row
            return decoders.convert(_PLAIN.decode(raw), kind, dec_hook=_decoded)

    return load


def _encoded(value: int) -> bytes | int:
    return _bytes_of(value) if type(value) is Quantity else int(value)


def _decoded(kind: type[int], value: object) -> int:
    if type(value) is bytes:
        return kind.from_bytes(value, "big", signed=True)
    raise ValueError(f"expected {kind.__name__} as bytes, got {type(value).__name__}")


def _bytes_of(value: int) -> bytes:
    return value.to_bytes((value.bit_length() >> 3) + 1, "big", signed=True)


def _extended(value: Any) -> Any:
    """Return plain values with extensions in place of the integers that MessagePack does not have."""
    if isinstance(value, list | tuple):
        return [_extended(one) for one in value]
    if isinstance(value, dict):
        return {key: _extended(one) for key, one in value.items()}
    if isinstance(value, int) and not _INT64_MIN <= value <= _UINT64_MAX:
        return msgspec.msgpack.Ext(WIDE_INTEGER, _bytes_of(value))
    return value


def _wide(code: int, data: memoryview) -> int:
    if code == WIDE_INTEGER:
        return int.from_bytes(data, "big", signed=True)
    raise msgspec.ValidationError(f"expected an extension of type {WIDE_INTEGER}, got {code}")


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_encoded)
_PLAIN: Final = msgspec.msgpack.Decoder(ext_hook=_wide)
