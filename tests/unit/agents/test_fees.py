"""Fees: split without losing a unit, and counted by source, asset, day and beneficiary."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agents.financial.fees import split
from agents.financial.policy import FinancialPolicy
from agents.rulebook import packaged_rulebook
from streams.events.financial import FeeAccrued
from streams.times import Instant
from streams.units import PPM, Usd
from tables.financial import fee_key
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import World, of_type

AT = "2024-09-20T23:59:59Z"
POLICY = packaged_rulebook().financial
NOW = Instant.parse(AT)


def test_a_fee_is_split_60_25_15() -> None:
    shares = {"treasury": Usd.parse("0.90"), "paymaster": Usd.parse("0.375"), "staking_rewards": Usd.parse("0.225")}
    assert split(Usd.parse("1.50"), POLICY, NOW) == shares


@pytest.mark.parametrize(
    ("amount", "treasury", "paymaster", "staking"), [(1, 1, 0, 0), (3, 3, 0, 0), (7, 5, 1, 1), (19, 13, 4, 2)]
)
def test_shares_are_rounded_down_and_the_remainder_goes_to_treasury(
    amount: Any, treasury: Any, paymaster: Any, staking: Any
) -> None:
    assert split(amount, POLICY, NOW) == {"treasury": treasury, "paymaster": paymaster, "staking_rewards": staking}


CUTS = st.lists(st.integers(0, PPM), min_size=1, max_size=5).map(lambda cuts: sorted([0, PPM, *cuts]))


@given(st.integers(0, 10**30), CUTS)
def test_any_split_of_any_amount_conserves_it_exactly(amount: Any, cuts: Any) -> None:
    ppm = {f"b{n}": high - low for n, (low, high) in enumerate(pairwise(cuts))}
    rules = POLICY.model_copy(update={"split_ppm": ppm, "remainder_to": "b0"})
    shares = split(amount, rules, NOW)
    assert sum(shares.values()) == amount
    assert all(0 <= shares[name] - amount * ppm[name] // PPM <= (len(ppm) if name == "b0" else 0) for name in ppm)


def changed(*announced: tuple[str, int]) -> FinancialPolicy:
    """Return the policy with announced changes, each with the treasury's share in percent."""
    changes = [
        {"announced_at": at, "split_ppm": {"treasury": percent * 10_000, "paymaster": (100 - percent) * 10_000}}
        for at, percent in announced
    ]
    return FinancialPolicy.model_validate({**POLICY.model_dump(), "split_changes": changes})


@pytest.mark.parametrize(
    ("at", "treasury"),
    [
        ("2024-09-19T23:59:59Z", 60),
        ("2024-09-21T23:59:59.999999Z", 60),
        ("2024-09-22T00:00:00Z", 70),
        ("2024-09-22T23:59:59.999999Z", 70),
        ("2024-09-23T00:00:00Z", 80),
    ],
)
def test_a_change_of_the_split_takes_effect_48_hours_after_it_was_announced(at: str, treasury: int) -> None:
    policy = changed(("2024-09-20T00:00:00Z", 70), ("2024-09-21T00:00:00Z", 80))
    assert split(100, policy, Instant.parse(at))["treasury"] == treasury


def test_a_fill_is_split_by_the_time_of_its_event() -> None:
    changes = [change.model_dump(mode="json") for change in changed(("2024-09-20T00:00:00Z", 70)).split_changes]
    world = World(rulebook_with({"financial": {"split_changes": changes}}))
    for number, day in enumerate((21, 22)):
        (fact,) = of_type(world.fill(f"f-{number}", f"2024-09-{day}T12:00:00Z", fee_usd="1.00"), FeeAccrued)
        assert fact.beneficiaries["treasury"] == Usd.parse("0.60" if day == 21 else "0.70")


def test_changes_of_the_split_are_listed_in_the_order_of_their_announcements() -> None:
    with pytest.raises(ValidationError, match="in the order of announced_at"):
        changed(("2024-09-21T00:00:00Z", 70), ("2024-09-20T00:00:00Z", 80))


@pytest.mark.parametrize("percent", [101, -1])
def test_a_change_of_the_split_has_shares_that_sum_to_the_whole(percent: int) -> None:
    with pytest.raises(ValidationError):
        changed(("2024-09-20T00:00:00Z", percent))


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


def test_a_fee_accrued_names_its_beneficiaries(world: World) -> None:
    (fact,) = of_type(world.fill("f-1", AT), FeeAccrued)
    assert (fact.source, fact.asset, fact.amount) == ("trading", "USD", Usd.parse("1.50"))
    assert sum(fact.beneficiaries.values()) == fact.amount
