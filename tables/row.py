"""The base of every row: a frozen struct, stored as UTF-8 JSON. May depend on `streams` only."""

from __future__ import annotations

from typing import Self, TypeAlias

import msgspec

from streams.wire import ROW_ENCODER, cached_decoder

Amount: TypeAlias = int
"""Integer of 1e-8 USD."""

Micros: TypeAlias = int
"""Microseconds since 1970, UTC."""


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The value of a table. Frozen: a change is a new row (`msgspec.structs.replace`), put back under its key."""

    def dump(self) -> bytes:
        """Return the row as JSON bytes."""
        return ROW_ENCODER.encode(self)

    @classmethod
    def load(cls, raw: bytes) -> Self:
        """Return the row that JSON bytes hold.

        Raises:
            WireError: when the bytes are not a row of this type.
        """
        row: Self = cached_decoder(cls).decode(raw)
        return row
