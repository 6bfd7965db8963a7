"""Values that no venue can have executed are refused; every recorded fill is accepted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api.trading.models import Fill
from deploy.replay.fills import SAMPLE, read_fills
from streams.units import SCALE, USD_UNIT, Quantity, Usd
from tests.integration.api.support import fill


def test_every_recorded_fill_is_plausible() -> None:
    fills = read_fills(SAMPLE).fills
    assert len(fills) == 1_000
    for one in fills:
        Fill.model_validate(one)


@given(price=st.integers(1, 10**8), size=st.integers(1, 10**8))
def test_price_times_size_in_whole_cents_is_plausible(price: int, size: int) -> None:
    """Price and size are in thousandths: their product in cents is rounded down or up."""
    cents = price * size // 10_000
    for notional in {max(1, cents), cents + 1}:
        Fill.model_validate(
            fill(
                price=Quantity(price * SCALE // 1_000).text(),
                size=Quantity(size * SCALE // 1_000).text(),
                notional_usd=Usd(notional * USD_UNIT // 100).text(),
            )
        )


BASE: dict[str, Any] = {"price": "100", "size": "60"}


@pytest.mark.parametrize(
    "changes",
    [
        {"notional_usd": "6060.01"},
        {"notional_usd": "5939.99"},
        {"closed_pnl_usd": "6000000.01"},
        {"closed_pnl_usd": "-6000000.01"},
        {"fee_usd": "6000.01"},
        {"price": "0.0001", "size": "1", "notional_usd": "0.0101"},
    ],
)
def test_the_last_plausible_value_is_accepted(changes: dict[str, str]) -> None:
    Fill.model_validate(fill(1, **{**BASE, "notional_usd": "6000", **changes}))


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"notional_usd": "6060.02"}, "notional_usd", "price x size, which is 6000.00"),
        ({"notional_usd": "5939.98"}, "notional_usd", "more than 1 %"),
        ({"notional_usd": "100000000000"}, "notional_usd", "more than 1 %"),
        ({"closed_pnl_usd": "6000000.02"}, "closed_pnl_usd", "1,000 times the notional of 6000.00"),
        ({"closed_pnl_usd": "-6000000.02"}, "closed_pnl_usd", "1,000 times"),
        ({"closed_pnl_usd": "100000000000"}, "closed_pnl_usd", "1,000 times"),
        ({"fee_usd": "6000.02"}, "fee_usd", "more than the notional"),
    ],
)
def test_an_implausible_fill_is_refused_by_its_field(changes: dict[str, str], field: str, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Fill.model_validate(fill(1, **{**BASE, "notional_usd": "6000", **changes}))
    [error] = refused.value.errors()
    assert error["loc"] == (field,)
    assert words in error["msg"]


def test_a_bad_price_is_the_only_reported_field() -> None:
    with pytest.raises(ValidationError) as refused:
        Fill.model_validate(fill(price="0"))
    assert [error["loc"] for error in refused.value.errors()] == [("price",)]
