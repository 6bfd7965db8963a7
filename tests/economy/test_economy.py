"""A short slice of the simulated economy: what it shows follows from the references, and nothing is made or lost."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from tests.economy.__main__ import DOCS, PAGE, write
from tests.economy.fees import CARRIED, SHARES, FeeYear
from tests.economy.loans import LENDERS, LoanYear, prices, silences
from tests.economy.report import fee_row, fee_year, shock_row
from tests.economy.scenarios import (
    FEE_WORLDS,
    LEDGER,
    LOAN_WORLDS,
    SAMPLE,
    TERMS,
    FeeWorld,
    LoanWorld,
    recorded_fees,
)
from tests.economy.shocks import bad_part, book
from tests.economy.wallets import OUTSIDE, Wallets

DAYS = 40
OURS, ORIGINAL = TERMS
CRASHES = LoanWorld("crashes", volatility=1.5, jumps=60, outages=100)


def fees(world: FeeWorld, days: int = DAYS) -> FeeYear:
    return FeeYear(world, recorded_fees(), 60, 1).run(days)


def loans(world: LoanWorld, terms: str = OURS) -> LoanYear:
    return LoanYear(world, TERMS[terms], 3).run(DAYS * 24)


def test_the_fees_are_those_of_the_record() -> None:
    with SAMPLE.open(encoding="utf-8") as file:
        paid = sum(Decimal(fill["fee_usd"]) for fill in csv.DictReader(file))
    assert sum(recorded_fees()) == paid * LEDGER
    assert 0 in recorded_fees()


@pytest.mark.parametrize("world", FEE_WORLDS, ids=lambda world: world.name)
def test_no_unit_of_fees_is_made_or_lost(world: FeeWorld) -> None:
    year = fees(world)
    assert year.accrued > 0
    assert year.accrued - year.collector.settled * CARRIED in range(CARRIED)
    held = {name: year.usd[name] for name in ("collector", "splitter", "treasury", "paymaster", "staking", "stakers")}
    paid = year.splitter.paid
    assert held == {
        "collector": year.collector.held,
        "splitter": year.splitter.held,
        "treasury": paid.get(1, 0),
        "paymaster": paid.get(2, 0) - year.paymaster.spent,
        "staking": year.staking.funded + year.staking.arrived - year.staking.paid.total(),
        "stakers": year.staking.paid.total(),
    }
    assert year.collector.settled == sum(held.values()) + year.paymaster.spent
    assert year.astra["staking"] == year.staking.total_staked + year.staking.total_exiting


def test_a_beneficiary_that_fails_holds_up_nobody_and_loses_nothing() -> None:
    failing = FeeWorld("failing", failing="paymaster", failing_days=range(10, DAYS))
    healthy, year = fees(FeeWorld("healthy")), fees(failing)
    for name in ("treasury", "staking"):
        assert year.income[name] == healthy.income[name]
    assert year.income["paymaster"][-1] + year.splitter.due(2) == healthy.income["paymaster"][-1]
    assert year.splitter.held == year.splitter.due(2) > 0
    again = FeeWorld("works again", failing="paymaster", failing_days=range(10, 20))
    assert fees(again).income["paymaster"][-1] == healthy.income["paymaster"][-1]


def test_ten_times_the_volume_pays_everyone_ten_times_as_much() -> None:
    once, ten = fees(FEE_WORLDS[0]), fees(FEE_WORLDS[1])
    for name in once.income:
        assert ten.income[name][-1] == pytest.approx(10 * once.income[name][-1], rel=1e-6)
    assert ten.income["staking"][-1] / ten.splitter.received == pytest.approx(SHARES[3] / 10**6, rel=1e-6)


def test_gas_above_the_price_is_not_paid_for() -> None:
    spiked, healthy = fees(FeeWorld("spikes", spikes=20)), fees(FeeWorld("none"))
    assert spiked.outcomes["above the price"] == 30
    assert healthy.outcomes["above the price"] == 0
    assert spiked.paymaster.spent <= healthy.paymaster.spent


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("world", [*LOAN_WORLDS, CRASHES], ids=lambda world: world.name)
def test_no_unit_of_loans_is_made_or_lost(world: LoanWorld, terms: str) -> None:
    year = loans(world, terms)
    pool = year.pool
    assert year.borrowed > 0
    assert (year.usd["pool"], year.astra["pool"]) == (pool.cash, sum(pool.collateral.values()))
    claims = sum(map(pool.claim, pool.shares))
    assert 0 <= pool.exact_assets - claims < len(LENDERS) + 2
    assert pool.cash + sum(map(pool.debt, pool.scaled)) >= claims + pool.reserves


@pytest.mark.parametrize("terms", TERMS)
def test_without_gaps_no_debt_is_bad(terms: str) -> None:
    year = loans(LoanWorld("wild but without gaps", volatility=2), terms)
    assert year.liquidations > 0
    assert year.pool.bad_debt == 0


def test_crashes_leave_bad_debt_that_reserves_and_lenders_bear() -> None:
    year = loans(CRASHES)
    assert year.pool.bad_debt > 0
    assert year.gain < loans(LOAN_WORLDS[0]).gain


def test_the_margin_is_what_the_page_says() -> None:
    ours, original = book(TERMS[OURS]), book(TERMS[ORIGINAL])
    assert (bad_part(ours, 15, 0, 1), bad_part(original, 10, 0, 1)) == (0, 0)
    assert bad_part(ours, 17, 0, 1) > 0
    assert bad_part(original, 12, 0, 1) > 0
    assert bad_part(original, 20, 0, 1) > 2 * bad_part(ours, 20, 0, 1)
    assert bad_part(ours, 15, 24, 1) > 0


def test_a_seed_gives_the_same_year() -> None:
    world = CRASHES
    assert (prices(world, 1), silences(world, 1)) == (prices(world, 1), silences(world, 1))
    assert prices(world, 1) != prices(world, 2)
    hours = sum(silences(LOAN_WORLDS[1], 1))
    assert hours == pytest.approx(24 * 6, rel=0.6)


def test_wallets_pay_only_what_they_have() -> None:
    wallets = Wallets()
    wallets.pay(OUTSIDE, "a", 5)
    for payer, units in (("a", 6), ("b", 1), (OUTSIDE, -1)):
        with pytest.raises(ValueError, match="units"):
            wallets.pay(payer, "c", units)
    wallets.pay("a", "b", 5)
    assert (wallets["a"], wallets["b"], wallets[OUTSIDE]) == (0, 5, -5)


def test_the_page_has_what_the_simulation_says() -> None:
    page = (DOCS / PAGE).read_text("utf-8").splitlines()
    assert fee_row(fee_year(FEE_WORLDS[0], SAMPLE)) in page
    assert shock_row(OURS, 0) in page


def test_tables_are_written_into_the_page(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text("a\n<!-- simulated: fees -->\nold\n<!-- end -->\nb\n", "utf-8")
    write({"fees": ["| x |", "| y |"]}, tmp_path)
    assert (tmp_path / PAGE).read_text("utf-8") == "a\n<!-- simulated: fees -->\n| x |\n| y |\n<!-- end -->\nb\n"
    with pytest.raises(AssertionError, match="no place for loans"):
        write({"loans": []}, tmp_path)
