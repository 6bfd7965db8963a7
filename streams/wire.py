"""Events and rows as JSON: frozen structs, read straight from bytes.

Both are written by ourselves, so reading them checks types and shapes, which costs nothing; what clients send is
validated by pydantic at the ingress. Amounts and times are text in events and integers in rows; quantities are text.
Source of the codec: https://jcristharif.com/msgspec/
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Any, Final, Protocol, Self, TypeVar

import msgspec

from streams.units import Quantity

T = TypeVar("T")

WireError: Final = msgspec.MsgspecError
"""Bytes are not JSON, or not of the struct that was expected."""

EVENT_ENCODER: Final = msgspec.json.Encoder(enc_hook=lambda value: value.text())
"""Events to JSON bytes."""


_DESCRIBING: Final = threading.RLock()


def _in_row(value: int) -> str | int:
    return value.text() if isinstance(value, Quantity) else int(value)


ROW_ENCODER: Final = msgspec.json.Encoder(enc_hook=_in_row)
"""Rows to JSON bytes."""


def written(value: Any) -> Any:
    """A default that stands on the wire; a plain default is left out there by structs that omit defaults."""
    return msgspec.field(default_factory=lambda: value)


class _Text(Protocol):
    """What travels as text: amounts, quantities, instants."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it."""


def _from_text(kind: type[_Text], value: object) -> _Text:
    if isinstance(value, str):
        return kind.parse(value)
    raise ValueError(f"expected {kind.__name__} as a string, got {type(value).__name__}")


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return a decoder that reads structs of one kind from JSON bytes and raises `WireError`.

    Threads may call this, and one at a time makes a decoder: msgspec stores the description of a struct in its class
    before the description is complete, and another thread that used it would read a null pointer.
    """
    with _DESCRIBING:
        return msgspec.json.Decoder(kind, dec_hook=_from_text)


def convert(fields: object, kind: type[T]) -> T:
    """A struct from what JSON gave.

    Raises:
        WireError: when it is none.
    """
    with _DESCRIBING:
        return msgspec.convert(fields, kind, dec_hook=_from_text)


cached_decoder = cache(decoder)
"""The decoder of a kind, made once."""
