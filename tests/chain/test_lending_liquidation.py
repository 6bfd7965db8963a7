"""The lending pool when a debt is no longer covered."""

from __future__ import annotations

import pytest

from tests.chain.deployed import reverts
from tests.chain.lending import ASTRA, DOLLAR, MAX, USD, YEAR_S, Lending

FINE = 10**27


@pytest.fixture
def indebted(lending: Lending) -> Lending:
    """Return a pool in which Bob owes 750 dollars for 1000 ASTRA."""
    lending.lend(10_000 * USD)
    lending.owe(750 * USD, 1000 * ASTRA)
    return lending


def test_a_healthy_debt_is_not_liquidated(indebted: Lending) -> None:
    with reverts("LendingPool: healthy"):
        indebted.pool.invoke("liquidate", indebted.bob.address, MAX, by=indebted.carol)
    indebted.report(DOLLAR * 94 // 100)
    with reverts("LendingPool: healthy"):
        indebted.pool.invoke("liquidate", indebted.bob.address, MAX, by=indebted.carol)
    with reverts("LendingPool: healthy"):
        indebted.pool.invoke("liquidate", indebted.dave.address, MAX, by=indebted.carol)


def test_a_part_of_a_debt_is_paid_for_collateral_with_a_bonus(indebted: Lending) -> None:
    indebted.report(DOLLAR * 93 // 100)
    assert indebted.pool.call("collateral_value", indebted.bob.address) == 930 * USD
    before = indebted.astra.call("balance_of", indebted.carol.address)
    done = indebted.pool.invoke("liquidate", indebted.bob.address, 93 * USD, by=indebted.carol).one("Liquidated")
    assert (done["borrower"], done["liquidator"]) == (indebted.bob.address, indebted.carol.address)
    assert (done["paid"], done["seized"], done["price"]) == (93 * USD, 105 * ASTRA, DOLLAR * 93 // 100)
    assert 657 * USD <= done["debt"] < 657 * USD + 1000
    assert indebted.astra.call("balance_of", indebted.carol.address) == before + 105 * ASTRA
    assert indebted.pool.call("collateral_of", indebted.bob.address) == 895 * ASTRA


def test_a_whole_debt_leaves_the_rest_of_the_collateral(indebted: Lending) -> None:
    indebted.report(DOLLAR * 93 // 100)
    done = indebted.pool.invoke("liquidate", indebted.bob.address, MAX, by=indebted.carol).one("Liquidated")
    assert done["debt"] == indebted.pool.call("debt_of", indebted.bob.address) == 0
    assert done["seized"] == done["paid"] * 105 * ASTRA // (93 * USD)
    indebted.pool.invoke("withdraw_collateral", 1000 * ASTRA - done["seized"], by=indebted.bob)


def test_a_liquidation_leaves_no_dust_and_pays_something(indebted: Lending) -> None:
    indebted.report(DOLLAR * 93 // 100)
    with reverts("LendingPool: debt is dust"):
        indebted.pool.invoke("liquidate", indebted.bob.address, 745 * USD, by=indebted.carol)
    with reverts("LendingPool: amount is zero"):
        indebted.pool.invoke("liquidate", indebted.bob.address, 0, by=indebted.carol)


def test_a_payment_that_makes_nothing_better_is_refused(indebted: Lending) -> None:
    indebted.chain.node.advance(YEAR_S)
    indebted.report(DOLLAR * 91 // 100)
    with reverts("LendingPool: no better health"):
        indebted.pool.invoke("liquidate", indebted.bob.address, 2, by=indebted.carol)


def test_a_stale_price_liquidates_nobody(indebted: Lending) -> None:
    indebted.report(DOLLAR * 93 // 100)
    indebted.chain.node.advance(61)
    with reverts("LendingPool: price is stale"):
        indebted.pool.invoke("liquidate", indebted.bob.address, MAX, by=indebted.carol)


def test_bad_debt_is_recorded_and_borne_by_the_lenders(indebted: Lending) -> None:
    indebted.set_price(DOLLAR // 2)
    before = indebted.pool.call("supplied_by", indebted.alice.address)
    with reverts("LendingPool: pays too little"):
        indebted.pool.invoke("liquidate", indebted.bob.address, 476 * USD, by=indebted.carol)
    receipt = indebted.pool.invoke("liquidate", indebted.bob.address, MAX, by=indebted.carol)
    done, recorded = receipt.one("Liquidated"), receipt.one("BadDebtRecorded")
    assert (done["paid"], done["seized"], done["debt"]) == (476_190_477, 1000 * ASTRA, 0)
    assert recorded["borrower"] == indebted.bob.address
    assert indebted.pool.call("bad_debt") == recorded["amount"]
    lost = 750 * USD - 476_190_477
    assert recorded["amount"] // FINE == pytest.approx(lost, abs=1000)
    assert before - indebted.pool.call("supplied_by", indebted.alice.address) == pytest.approx(lost, abs=1000)
    assert indebted.pool.call("collateral_of", indebted.bob.address) == 0
    assert indebted.pool.call("scaled_debt_of", indebted.bob.address) == indebted.market()["scaled_debt"] == 0


def test_the_reserves_bear_bad_debt_first(indebted: Lending) -> None:
    indebted.chain.node.advance(100 * YEAR_S)
    indebted.pool.invoke("accrue")
    indebted.set_price(DOLLAR // 2)
    reserves = indebted.market()["reserves"]
    receipt = indebted.pool.invoke("liquidate", indebted.bob.address, MAX, by=indebted.carol)
    recorded = receipt.one("BadDebtRecorded")
    assert reserves <= recorded["from_reserves"] <= recorded["amount"]
    assert indebted.market()["reserves"] == 0


def test_a_debt_without_any_collateral_is_written_off_for_nothing(indebted: Lending) -> None:
    indebted.set_price(1)
    receipt = indebted.pool.invoke("liquidate", indebted.bob.address, 0, by=indebted.carol)
    assert (receipt.one("Liquidated")["paid"], receipt.one("Liquidated")["seized"]) == (0, 1000 * ASTRA)
    assert receipt.one("BadDebtRecorded")["amount"] >= 750 * USD * FINE
