"""Rows of the product as plain values, with integers for amounts and times."""

from __future__ import annotations

from typing import Any

from tables.boards import Standing
from tables.row import Row
from tables.typed import standings


def plain(value: Any) -> Any:
    """Return a row, or a value of a field, as plain JSON. Amounts become integers of their unit."""
    if isinstance(value, Row):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def as_it_is(key: str, row: Row) -> list[tuple[str, dict[str, Any]]]:
    """Return a row under its own key, with all its fields."""
    return [(key, plain(row))]


def as_placed(key: str, raw: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return the rankings that a row of a ranked table is in, each with the number by which it is placed."""
    return [(key, {name: Standing.of(place).score for name, place in standings(raw).items()})]
