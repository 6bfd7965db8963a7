"""A row's projection for clients derives from the row's type: the schema and the values."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from api.financial.totals import FEE
from api.gamification.progress import PROGRESS
from api.kit.projection import Projection
from api.trading.queries import PORTFOLIO, POSITION
from streams.times import Instant
from streams.units import Quantity, Usd
from tables.financial import FeeTotal
from tables.gamification import Progress, Streak, Unlocked
from tables.row import Amount, DayNumber, Micros, Row
from tables.trading import Portfolio, Position, Totals

AMOUNTS = st.integers(-(10**20) + 1, 10**20 - 1)
TIMES = st.integers(0, 32_503_679_999_999_999)


class Inner(Row, frozen=True, kw_only=True):
    """A row within a row."""

    spent: Amount


class Everything(Row, frozen=True, kw_only=True):
    """A row with a field of every kind."""

    spent: Amount
    at: Micros
    day: DayNumber
    size: Quantity
    limit: Quantity | None
    names: tuple[str, ...]
    inner: dict[str, Inner]
    hidden: int
    count: int
    on: bool


INNER = Projection(Inner, "Inner", "An inner row.")
EVERYTHING = Projection(
    Everything, "Everything", "All kinds.", key={"user_id": str, "kind": str}, omit=("hidden",), nested=(INNER,)
)


def test_values_are_shown_by_the_unit_of_their_field() -> None:
    row = Everything(
        spent=Usd.parse("1.5"), at=1_000_000, day=1, size=Quantity.parse("0.5"), limit=None, names=("a",),
        inner={"x": Inner(spent=-1)}, hidden=7, count=3, on=True,
    )  # fmt: skip
    assert EVERYTHING.load("ada|gold", row.dump()) == {
        "user_id": "ada", "kind": "gold", "spent_usd": "1.50", "at": "1970-01-01T00:00:01Z", "day": "1970-01-02",
        "size": "0.5", "limit": None, "names": ["a"], "inner": {"x": {"spent_usd": "-0.00000001"}},
        "count": 3, "on": True,
    }  # fmt: skip


def test_the_schema_has_the_fields_in_order_with_their_types() -> None:
    described = EVERYTHING.model.model_json_schema(mode="serialization")
    assert (described["title"], described["description"]) == ("Everything", "All kinds.")
    assert list(described["properties"]) == described["required"]
    kinds = {name: part.get("type") or part.get("anyOf") for name, part in described["properties"].items()}
    assert kinds["spent_usd"] == kinds["size"] == kinds["at"] == kinds["user_id"] == "string"
    assert described["properties"]["day"]["format"] == "date"
    assert [part["type"] for part in kinds["limit"]] == ["string", "null"]
    assert described["properties"]["inner"]["additionalProperties"] == {"$ref": "#/$defs/Inner"}
    assert "hidden" not in described["properties"]


def test_a_type_that_no_projection_shows_is_refused_when_it_is_declared() -> None:
    with pytest.raises(TypeError, match=r"Everything has a field of .*Inner.*pass one in `nested`"):
        Projection(Everything, "Everything", "All kinds.")

    class Bytes(Row, frozen=True, kw_only=True):
        raw: Annotated[bytes, "no unit"]

    with pytest.raises(TypeError, match="Bytes has a field"):
        Projection(Bytes, "Bytes", "Bytes.")


@given(
    st.one_of(
        st.tuples(
            st.just(PROGRESS),
            st.just("ada"),
            st.builds(
                Progress,
                max_leverage=st.integers(1, 1000),
                volume=AMOUNTS,
                pnl=AMOUNTS,
                updated_at=TIMES,
                streaks=st.just({"trading": Streak(days=1, best=2, last_day=19_000)}),
                achievements=st.lists(st.builds(Unlocked, name=st.just("n"), at=TIMES), max_size=2).map(tuple),
            ),
        ),
        st.tuples(
            st.just(POSITION),
            st.sampled_from(["ada|BTC", "ada|BTC|practice"]),
            st.builds(
                Position,
                quantity=AMOUNTS.map(Quantity),
                cost=st.just(1),
                average_entry=st.none() | AMOUNTS.map(Quantity),
                realised_pnl=AMOUNTS,
                unrealised_pnl=AMOUNTS,
                last_price=st.integers(1, 10**20).map(Quantity),
                updated_at=TIMES,
            ),
        ),
        st.tuples(
            st.just(PORTFOLIO),
            st.just("ada"),
            st.builds(
                Portfolio,
                live=st.builds(Totals, volume=AMOUNTS, fills=st.integers(0, 9)),
                practice_balance=AMOUNTS,
                updated_at=TIMES,
            ),
        ),
        st.tuples(
            st.just(FEE), st.just("trading|USD|all|total"), st.builds(FeeTotal, amount=AMOUNTS, count=st.just(1))
        ),
    )
)
def test_the_projection_fits_its_schema(case: tuple[Projection[Any], str, Row]) -> None:
    projection, key, row = case
    shown = projection.load(key, row.dump())
    checked = TypeAdapter(projection.model).validate_python(shown)
    assert json.loads(checked.model_dump_json()) == shown
    assert list(shown) == list(projection.model.model_fields)


@pytest.mark.parametrize(("key", "mode"), [("ada|BTC", "live"), ("ada|BTC|practice", "practice")])
def test_a_position_has_the_market_and_the_mode_of_its_key(key: str, mode: str) -> None:
    row = Position(
        quantity=Quantity(0), cost=0, average_entry=None, realised_pnl=0, unrealised_pnl=0, last_price=Quantity(1),
        updated_at=0,
    )  # fmt: skip
    assert list(POSITION.load(key, row.dump()).items())[:2] == [("market", "BTC"), ("mode", mode)]


def test_units_are_those_of_the_events() -> None:
    assert FEE.show(FeeTotal(amount=10**8, count=2), "trading|USD|2024-09-20|total")["amount"] == "1.00"
    streak = PROGRESS.show(Progress(max_leverage=1, streaks={"login": Streak(days=1, best=1, last_day=0)}), "ada")
    assert streak["streaks"] == {"login": {"days": 1, "best": 1, "last_day": date(1970, 1, 1).isoformat()}}
    assert streak["updated_at"] == Instant(0).text()
