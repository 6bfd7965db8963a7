"""Make msgspec decoders, one at a time in the whole process.

msgspec stores the description of a struct in its class before the description is complete. Another thread that uses it
then reads a null pointer, and the process ends with a segmentation fault. Use this module for each struct that several
threads may decode. A decoder that was made here may be used by any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")
FromPlain = Callable[[type, Any], Any]
"""Converts a plain value of the encoded data to a type that msgspec does not know."""

_DESCRIBING: Final = threading.RLock()


def json_decoder(kind: type[T], *, dec_hook: FromPlain | None = None) -> msgspec.json.Decoder[T]:
    """Return a decoder that reads values of one type from JSON bytes and raises `msgspec.MsgspecError`."""
    with _DESCRIBING:
        return msgspec.json.Decoder(kind, dec_hook=dec_hook)


def msgpack_decoder(kind: type[T], *, dec_hook: FromPlain | None = None) -> msgspec.msgpack.Decoder[T]:
    """Return a decoder that reads values of one type from MessagePack and raises `msgspec.MsgspecError`."""
    with _DESCRIBING:
        return msgspec.msgpack.Decoder(kind, dec_hook=dec_hook)


def convert(fields: object, kind: type[T], *, dec_hook: FromPlain | None = None) -> T:
    """Return the value of a type that decoded data hold.

    Raises:
        msgspec.ValidationError: the data hold no such value.
    """
    with _DESCRIBING:
        return msgspec.convert(fields, kind, dec_hook=dec_hook)
