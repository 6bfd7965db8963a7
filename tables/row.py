"""The base of every row: a frozen struct, stored as a MessagePack array. May depend on `streams` only."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self, TypeAlias

import msgspec
from pydantic import JsonValue

from streams.units import Quantity
from tables import row_codec


class Unit(StrEnum):
    """The unit of an integer in a row. Readers format the integer by it; the stored row has the bare integer."""

    USD = "1e-8 USD"
    MICROSECONDS = "microseconds since 1970, UTC"
    DAY_NUMBER = "days since 1970, UTC"
    SMALLEST = "smallest units of a token"


Amount: TypeAlias = Annotated[int, msgspec.Meta(extra={"unit": Unit.USD})]
"""Integer of 1e-8 USD."""

Micros: TypeAlias = Annotated[int, msgspec.Meta(extra={"unit": Unit.MICROSECONDS})]
"""Microseconds since 1970, UTC."""

DayNumber: TypeAlias = Annotated[int, msgspec.Meta(extra={"unit": Unit.DAY_NUMBER})]
"""Days since 1970, UTC."""

TokenAmount: TypeAlias = Annotated[int, msgspec.Meta(extra={"unit": Unit.SMALLEST})]
"""Integer of a token's smallest units, as contracts count it."""


class Row(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """The value of a table. Rows are frozen: to change one, put a new row (`msgspec.structs.replace`) under its key.

    The stored row has the fields in the declared order, without names. Declare a new field at the end, with a default,
    and never change or remove another: then stored rows stay readable (`python -m tests.row_layouts`).
    """

    def dump(self) -> bytes:
        """Return the row as it is stored."""
        return row_codec.dump(self)

    @classmethod
    def load(cls, raw: bytes) -> Self:
        """Return a stored row.

        Raises:
            WireError: when the bytes are not a row of this type.
        """
        row: Self = row_codec.loader(cls)(raw)
        return row

    def as_json(self) -> dict[str, JsonValue]:
        """Return the row with the names of its fields, for people. Integers stay bare; quantities are decimal text."""
        return {name: _as_json(getattr(self, name)) for name in self.__struct_fields__}


def _as_json(value: Any) -> Any:
    if isinstance(value, Row):
        return value.as_json()
    if isinstance(value, tuple):
        return [_as_json(one) for one in value]
    if isinstance(value, dict):
        return {key: _as_json(one) for key, one in value.items()}
    return value.text() if isinstance(value, Quantity) else value
