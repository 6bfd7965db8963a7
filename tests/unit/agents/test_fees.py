"""Fees: split without losing a unit, and counted by source, asset, day and beneficiary."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agents.financial.fees import split
from agents.rulebook import FeeRules, Rulebook
from streams.events.financial import FeeAccrued
from streams.units import PPM, Usd
from tables.financial import fee_key
from tests.unit.agents.world import World, of_type

AT = "2024-09-20T23:59:59Z"


def test_a_fee_is_split_60_25_15() -> None:
    shares = {"treasury": Usd.parse("0.90"), "paymaster": Usd.parse("0.375"), "staking_rewards": Usd.parse("0.225")}
    assert split(Usd.parse("1.50"), FeeRules()) == shares


@pytest.mark.parametrize(
    ("amount", "treasury", "paymaster", "staking"), [(1, 1, 0, 0), (3, 3, 0, 0), (7, 5, 1, 1), (19, 13, 4, 2)]
)
def test_shares_are_rounded_down_and_the_remainder_goes_to_treasury(
    amount: Any, treasury: Any, paymaster: Any, staking: Any
) -> None:
    assert split(amount, FeeRules()) == {"treasury": treasury, "paymaster": paymaster, "staking_rewards": staking}


CUTS = st.lists(st.integers(0, PPM), min_size=1, max_size=5).map(lambda cuts: sorted([0, PPM, *cuts]))


@given(st.integers(0, 10**30), CUTS)
def test_any_split_of_any_amount_conserves_it_exactly(amount: Any, cuts: Any) -> None:
    ppm = {f"b{n}": high - low for n, (low, high) in enumerate(pairwise(cuts))}
    rules = FeeRules(split_ppm=ppm, remainder_to="b0")
    shares = split(amount, rules)
    assert sum(shares.values()) == amount
    assert all(0 <= shares[name] - amount * ppm[name] // PPM <= (len(ppm) if name == "b0" else 0) for name in ppm)


@pytest.mark.parametrize(
    "change",
    [
        {"split_ppm": {"treasury": 999_999}},
        {"split_ppm": {"treasury": 1_000_001}},
        {"split_ppm": {"treasury": -1, "paymaster": 1_000_001}},
        {"split_ppm": {"paymaster": 1_000_000}},
        {"split_ppm": {"treasury": 0, "total": 1_000_000}},
        {"trading_ppm": -1},
        {"unknown": 1},
    ],
)
def test_a_split_that_is_not_whole_is_no_rule_book(change: Any) -> None:
    with pytest.raises(ValidationError):
        Rulebook.model_validate({"fees": change})


@pytest.mark.parametrize(
    "change",
    [
        {"trading": {"margin_ppm_medium": 200_000}},
        {"trading": {"maintenance_ppm": 1_000_000}},
        {"achievements": {"listed": [{"kind": "level", "at": 2, "xp": 1, "tier": 1}] * 2}},
        {"version": 0},
    ],
)
def test_a_rule_book_that_contradicts_itself_is_refused(change: Any) -> None:
    with pytest.raises(ValidationError):
        Rulebook.model_validate(change)


def test_the_rule_book_is_frozen_and_survives_a_round_trip() -> None:
    rulebook = Rulebook()
    with pytest.raises(ValidationError, match="frozen"):
        setattr(rulebook, "version", 2)  # noqa: B010 - mypy refuses the plain way
    assert Rulebook.model_validate_json(rulebook.model_dump_json()) == rulebook


def test_btc_and_eth_allow_50_and_28_markets_are_at_20() -> None:
    caps = Rulebook().trading.market_leverage_max
    assert {market for market, cap in caps.items() if cap == 50} == {"BTC", "ETH"}
    assert len(caps) == 29
    assert set(caps.values()) == {50, 20}


def test_fees_are_counted_by_day_and_all_time_whole_and_by_beneficiary(world: World) -> None:
    world.fill("f-1", AT, fee_usd="1.50")
    world.fill("f-2", "2024-09-21T00:00:00Z", fee_usd="0.00000001")
    fees = world.financial.fees.rows
    keys = {key for key, _ in fees.prefix("")}
    names = ("total", "treasury", "paymaster", "staking_rewards")
    assert keys == {f"trading|USD|{day}|{name}" for day in ("2024-09-20", "2024-09-21", "all") for name in names}
    total = fees.get(fee_key("trading", "USD", None, "total"))
    assert (total.amount, total.count) == (150_000_001, 2)
    assert fees.get("trading|USD|2024-09-21|treasury").amount == 1
    for day in ("2024-09-20", "2024-09-21", "all"):
        parts = [fees.get(f"trading|USD|{day}|{name}").amount for name in names]
        assert parts[0] == sum(parts[1:])


def test_a_fee_of_0_accrues_nothing(world: World) -> None:
    assert of_type(world.fill("f-1", AT, fee_usd="0"), FeeAccrued) == []
    assert world.financial.fees.rows.prefix("") == []


def test_play_money_accrues_nothing(world: World) -> None:
    world.price("BTC", "60000", AT)
    assert of_type(world.order(AT), FeeAccrued) == []


def test_a_fee_accrued_says_its_beneficiaries(world: World) -> None:
    (fact,) = of_type(world.fill("f-1", AT), FeeAccrued)
    assert (fact.source, fact.asset, fact.amount) == ("trading", "USD", Usd.parse("1.50"))
    assert sum(fact.beneficiaries.values()) == fact.amount
