"""Events as JSON: frozen structs, read straight from bytes.

Our own code writes events, so decoding checks types and shapes only. pydantic validates bodies of clients at the
ingress. Amounts, times and quantities are text.
Source of the codec: https://jcristharif.com/msgspec/
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Protocol, Self, TypeVar

import msgspec
from faust_redis import decoders

T = TypeVar("T")

WireError: Final = msgspec.MsgspecError
"""The bytes are damaged, or do not hold the expected struct."""

EVENT_ENCODER: Final = msgspec.json.Encoder(enc_hook=lambda value: value.text())
"""Encodes events to JSON bytes."""


def written(value: Any) -> Any:
    """Return a default that is written to JSON. Structs that omit defaults leave out a plain default."""
    return msgspec.field(default_factory=lambda: value)


class _Text(Protocol):
    """Values that JSON holds as text: amounts, quantities, instants."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the text."""


def _from_text(kind: type[_Text], value: object) -> _Text:
    if isinstance(value, str):
        return kind.parse(value)
    raise ValueError(f"expected {kind.__name__} as a string, got {type(value).__name__}")


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return a decoder that reads structs of one kind from JSON bytes and raises `WireError`. Threads may call this."""
    return decoders.json_decoder(kind, dec_hook=_from_text)


def convert(fields: object, kind: type[T]) -> T:
    """Return the struct that decoded JSON holds.

    Raises:
        WireError: when the JSON holds no such struct.
    """
    return decoders.convert(fields, kind, dec_hook=_from_text)


cached_decoder = cache(decoder)
"""Returns the decoder of a kind, created once."""
