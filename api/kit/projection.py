"""What a row becomes for a client. The schema and the values both derive from the row's type, so they cannot differ.

Amounts and quantities become decimal text, instants RFC 3339, days ISO dates; an amount's name gains `_usd`. Fields of
the table's key come first. A closed set of words is shown as text, so that a new word changes no schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, Field, JsonValue, create_model

from api.kit.public import cut_to_hour
from streams.times import Instant
from streams.units import Quantity, TokenUnits, Usd
from tables.keys import SEPARATOR
from tables.row import Row, Unit

RowT = TypeVar("RowT", bound=Row)

EPOCH_DAY = date(1970, 1, 1)
PLAIN = (int, str, bool)

PositionText = Annotated[
    str,
    Field(
        description="position that the answer reflects: the table's changelog, its epoch, and the partitions' offsets",
        examples=["astratrade-gamification-progress-changelog@5f0c:0-12.1-7"],
    ),
]

Show = Callable[[Any], JsonValue]


class _Shape(NamedTuple):
    """How one type of a row is declared in a schema, and how a value of it is shown; `suffix` is added to the name."""

    declared: Any
    show: Show
    suffix: str = ""


UNITS: Mapping[Unit, _Shape] = {
    Unit.USD: _Shape(Usd, lambda value: Usd(value).text(), "_usd"),
    Unit.MICROSECONDS: _Shape(Instant, lambda value: Instant(value).text()),
    Unit.SMALLEST: _Shape(TokenUnits, lambda value: TokenUnits(value).text()),
    Unit.DAY_NUMBER: _Shape(date, lambda value: (EPOCH_DAY + timedelta(days=value)).isoformat()),
}


def parts_of(key: str) -> list[JsonValue]:
    """Return the parts of a table's key."""
    return [*key.split(SEPARATOR)]


class Projection(Generic[RowT]):
    """Shows the rows of one type.

    Attributes:
        model: The schema, for the API's description.

    Args:
        row: The type of the rows.
        name: The schema's name.
        doc: The schema's description.
        key: Fields that the table's key holds, by name and type.
        split: Returns the values of these fields, in their order; by default the parts of the key.
        omit: Fields of the row that clients do not see.
        rename: Names that differ from the row's; without a suffix.
        describe: Descriptions of fields, by the name that clients see.
        to_the_hour: Times that are cut to the hour, for all clients.
        nested: Projections of rows inside of the row.
    """

    def __init__(
        self,
        row: type[RowT],
        name: str,
        doc: str,
        *,
        key: Mapping[str, Any] | None = None,
        split: Callable[[str], Iterable[JsonValue]] = parts_of,
        omit: Iterable[str] = (),
        rename: Mapping[str, str] | None = None,
        describe: Mapping[str, str] | None = None,
        to_the_hour: Iterable[str] = (),
        nested: Iterable[Projection[Any]] = (),
    ) -> None:
        self.row = row
        self._key = tuple(key or {})
        self._split = split
        self._nested = {projection.row: projection for projection in nested}
        self._fields: list[tuple[str, str, Show]] = []
        declared: dict[str, Any] = {name: (kind, ...) for name, kind in (key or {}).items()}
        for field in msgspec.structs.fields(row):
            if field.name in omit:
                continue
            shape = self._shape(field.type)
            shown = (rename or {}).get(field.name, field.name + shape.suffix)
            self._fields.append((field.name, shown, _hour(shape.show) if field.name in to_the_hour else shape.show))
            declared[shown] = (shape.declared, Field(description=(describe or {}).get(shown)))
        self.model: type[BaseModel] = create_model(name, __doc__=doc, **declared)

    def show(self, row: RowT, key: str = "") -> dict[str, JsonValue]:
        """Return a row as clients see it; `key` is its key in the table, where the schema has fields of the key."""
        shown: dict[str, JsonValue] = dict(zip(self._key, self._split(key), strict=True)) if self._key else {}
        for name, shown_name, show in self._fields:
            shown[shown_name] = show(getattr(row, name))
        return shown

    def load(self, key: str, raw: bytes) -> dict[str, JsonValue]:
        """Return a stored row as clients see it.

        Raises:
            WireError: when the bytes are no row of this type.
        """
        return self.show(self.row.load(raw), key)

    def answer(self, name: str, doc: str) -> type[BaseModel]:
        """Return the schema of an answer that is one row and the position it is true for."""
        return create_model(name, __doc__=doc, __base__=self.model, position=(PositionText, ...))

    def list_answer(self, name: str, doc: str, items: str, **more: Any) -> type[BaseModel]:
        """Return the schema of an answer that is a list of rows and the position they are true for."""
        fields: dict[str, Any] = {"position": (PositionText, ...)}
        fields |= {field: (kind, ...) for field, kind in more.items()}
        fields[items] = (GenericAlias(list, (self.model,)), ...)
        return create_model(name, __doc__=doc, **fields)

    def _shape(self, kind: Any) -> _Shape:
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Annotated and (unit := _unit(arguments)) is not None:
            return UNITS[unit]
        if origin in {Union, UnionType}:
            [inner] = [self._shape(argument) for argument in arguments if argument is not NoneType]
            return _Shape(inner.declared | None, lambda value: None if value is None else inner.show(value))
        if origin is Literal:
            return _Shape(str, str)
        if origin is tuple:
            item = self._shape(arguments[0])
            return _Shape(GenericAlias(list, (item.declared,)), lambda values: [item.show(value) for value in values])
        if origin is dict:
            item = self._shape(arguments[1])
            return _Shape(GenericAlias(dict, (str, item.declared)), lambda values: _mapped(item.show, values))
        return self._plain(kind)

    def _plain(self, kind: Any) -> _Shape:
        if kind in self._nested:
            nested = self._nested[kind]
            return _Shape(nested.model, nested.show)
        if kind is Quantity:
            return _Shape(Quantity, Quantity.text)
        if kind in PLAIN:
            return _Shape(kind, kind)
        raise TypeError(f"{self.row.__name__} has a field of {kind}, which no projection shows; pass one in `nested`")


def _hour(show: Show) -> Show:
    return lambda value: cut_to_hour(str(show(value)))


def _unit(arguments: tuple[Any, ...]) -> Unit | None:
    meta = arguments[1]
    return meta.extra.get("unit") if isinstance(meta, msgspec.Meta) and meta.extra else None


def _mapped(show: Show, values: Mapping[str, Any]) -> JsonValue:
    return {name: show(value) for name, value in values.items()}
