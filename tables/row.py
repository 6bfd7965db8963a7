"""The base of every row: a frozen struct, stored as UTF-8 JSON. May depend on `streams` only."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self, TypeAlias

import msgspec

from streams.wire import ROW_ENCODER, cached_decoder


class Unit(StrEnum):
    """The unit of an integer in a row. Readers format the integer by it; the stored row has the bare integer."""

    USD = "1e-8 USD"
    MICROSECONDS = "microseconds since 1970, UTC"
    DAY_NUMBER = "days since 1970, UTC"


Amount: TypeAlias = Annotated[int, msgspec.Meta(extra={"unit": Unit.USD})]
"""Integer of 1e-8 USD."""

Micros: TypeAlias = Annotated[int, msgspec.Meta(extra={"unit": Unit.MICROSECONDS})]
"""Microseconds since 1970, UTC."""

DayNumber: TypeAlias = Annotated[int, msgspec.Meta(extra={"unit": Unit.DAY_NUMBER})]
"""Days since 1970, UTC."""


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The value of a table. Rows are frozen: to change one, put a new row (`msgspec.structs.replace`) under its key."""

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
