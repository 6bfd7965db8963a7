"""Rows are MessagePack arrays: they come back equal, whatever their numbers, and older and newer code reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.times import Instant
from streams.topology import TableSpec
from streams.units import Quantity, Usd
from streams.wire import WireError
from tables.gamification import Progress, Streak, Unlocked
from tables.inspection import row_text
from tables.row import Amount, Micros, Row
from tables.trading import TRADING_PROCESSED, Mark
from tables.watermark import Watermark
from tests import row_layouts

INTEGERS = st.integers(-(2**65), 2**65) | st.integers(-(10**30), 10**30) | st.sampled_from([2**63, -(2**63), 2**64])


PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    int: INTEGERS,
    str: st.text(max_size=9),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    NoneType: st.none(),
    Quantity: INTEGERS.map(Quantity),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a field."""
    if kind in PLAIN:
        return PLAIN[kind]
    parts: list[Any] = list(get_args(kind))
    if parts:
        return GENERIC.get(get_origin(kind), union_of)(parts)
    return st.builds(kind, **{one.name: values(one.type) for one in msgspec.structs.fields(kind)})


def union_of(kinds: list[Any]) -> st.SearchStrategy[Any]:
    return st.one_of([values(kind) for kind in kinds])


GENERIC: dict[Any, Callable[[list[Any]], st.SearchStrategy[Any]]] = {
    Annotated: lambda parts: values(parts[0]),
    Literal: st.sampled_from,
    tuple: lambda parts: st.lists(values(parts[0]), max_size=2).map(tuple),
    dict: lambda parts: st.dictionaries(*map(values, parts), max_size=2),
}


@given(st.sampled_from(list(row_layouts.rows().values())).flatmap(values))
def test_a_row_comes_back_equal_with_numbers_of_any_size(row: Row) -> None:
    found = type(row).load(row.dump())
    assert found == row
    assert list(map(type, msgspec.structs.astuple(found))) == list(map(type, msgspec.structs.astuple(row)))


def test_a_row_is_an_array_of_plain_integers_and_binary_quantities() -> None:
    assert Mark(price=Quantity.parse("0.50"), at=Instant(7)).dump() == b"\x92\xc4\x08\x06\xf0[Y\xd3\xb2\x00\x00\x07"
    assert msgspec.msgpack.decode(Watermark(highest=Instant(7), late=Usd(-1)).dump()) == [7, -1, {}, {}, {}]


def test_an_integer_beyond_64_bits_is_an_extension() -> None:
    row = Watermark(highest=2**64, late=1)
    assert msgspec.msgpack.decode(row.dump()) == [msgspec.msgpack.Ext(1, b"\x01" + bytes(8)), 1, {}, {}, {}]


@pytest.mark.parametrize(
    "values",
    [
        "7",
        ["7", 0],
        [7.5, 0],
        [b"\x07", 0],
        [msgspec.msgpack.Ext(2, b"\x07"), 0],
        {"highest": 7},
    ],
)
def test_what_is_no_such_row_is_refused(values: Any) -> None:
    with pytest.raises(WireError):
        Watermark.load(msgspec.msgpack.encode(values))


@pytest.mark.parametrize("price", [7, "7", None, [7]])
def test_a_quantity_that_is_not_binary_is_refused(price: Any) -> None:
    with pytest.raises(WireError, match=r"expected Quantity as bytes, got \w+ - at `\$\[0\]`"):
        Mark.load(msgspec.msgpack.encode([price, 7]))


@pytest.mark.parametrize("raw", [b"", b"\x92\x07", b"\x92\x07\x00\x00", b'{"highest":7}'])
def test_damaged_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(WireError):
        Watermark.load(raw)


# --- layouts ----------------------------------------------------------------------------------------------------------


class Spent(Row, frozen=True, kw_only=True):
    """A row of older code."""

    user: str
    spent: Amount = 0


class Longer(Row, frozen=True, kw_only=True):
    """The row of newer code, with one more field."""

    user: str
    spent: Amount = 0
    at: Micros = 5


def test_older_and_newer_code_read_each_others_rows() -> None:
    assert Longer.load(Spent(user="ada", spent=2**70).dump()) == Longer(user="ada", spent=2**70)
    assert Spent.load(Longer(user="ada", spent=7, at=9).dump()) == Spent(user="ada", spent=7)


def test_the_layout_of_every_row_is_committed() -> None:
    rows, committed = row_layouts.rows(), row_layouts.read()
    assert [problem for name, kind in rows.items() for problem in row_layouts.problems(name, kind, committed)] == []
    assert committed.keys() == rows.keys()


def row_with(**fields: Any) -> type[Row]:
    return msgspec.defstruct(  # type: ignore[return-value]
        "Spent", [(name, *kind) for name, kind in fields.items()], bases=(Row,), frozen=True, kw_only=True
    )


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"spent": (Amount, 0), "user": (str,)}, "field 0 of x.Spent was ['user', 'str']"),
        ({"user": (str,)}, "field 1 of x.Spent was ['spent', 'int of 1e-8 USD'], is []"),
        ({"user": (str,), "at": (Micros, 0), "spent": (Amount, 0)}, "field 1 of x.Spent was"),
        ({"user": (str,), "spent": (int, 0)}, "field 1 of x.Spent was ['spent', 'int of 1e-8 USD'], is [['spent', 'i"),
        ({"user": (str,), "spent": (Amount, 0), "at": (Micros,)}, "the new field at of x.Spent has no default"),
        ({"user": (str,), "spent": (Amount, 0), "at": (Micros, 0)}, "x.Spent has new fields: run python -m"),
    ],
)
def test_only_a_new_field_at_the_end_with_a_default_is_accepted(
    fields: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    file, kinds = tmp_path / "layouts.json", {"x.Spent": row_with(**fields)}
    assert row_layouts.write({"x.Spent": Spent}, file) == []
    [found] = row_layouts.problems("x.Spent", kinds["x.Spent"], row_layouts.read(file))
    assert found.startswith(problem)
    remaining = row_layouts.write(kinds, file)
    assert remaining == ([] if "new fields" in problem else [found])
    assert row_layouts.read(file)["x.Spent"] == row_layouts.layout_of(Spent if remaining else kinds["x.Spent"])


# --- for people -------------------------------------------------------------------------------------------------------

PROGRESS = TableSpec("gamification-progress", Progress, ())


def test_a_row_is_shown_as_json_with_names() -> None:
    row = Progress(
        max_leverage=10,
        streaks={"trading": Streak(days=1, best=2, last_day=3)},
        achievements=(Unlocked(name="é", at=4),),
    )
    shown = row_text(PROGRESS, row.dump())
    assert shown.startswith('{"xp": 0, "level": 1, "max_leverage": 10, "ss": 0, "streaks": {"trading": {"days": 1,')
    assert '"achievements": [{"name": "é", "at": 4}]' in shown
    marks = TableSpec("trading-marks", Mark, ())
    assert row_text(marks, Mark(price=Quantity.parse("0.50"), at=7).dump()) == '{"price": "0.5", "at": 7}'


def test_a_row_that_cannot_be_read_is_shown_as_far_as_it_can_be() -> None:
    assert row_text(PROGRESS, msgspec.msgpack.encode([7, "x"])) == '[7, "x"]'
    assert row_text(PROGRESS, b"\xff\xfe") == "0xfffe"
    assert row_text(TRADING_PROCESSED, b"\x00\x01\xff") == "0x0001ff"
