"""The price oracle: what it takes, what it holds back."""

from __future__ import annotations

import pytest

from tests.chain.deployed import Chain, reverts
from tests.chain.lending import DOLLAR, Lending
from tests.chain.node import ContractError

CENT = DOLLAR // 100


@pytest.mark.parametrize("price", [90 * CENT, 110 * CENT], ids=["10 % less", "10 % more"])
def test_a_price_near_the_last_one_counts_at_once(lending: Lending, price: int) -> None:
    updated = lending.report(price).one("PriceUpdated")
    assert updated["price"] == price
    assert lending.oracle.call("latest") == (price, updated["observed_at"])


@pytest.mark.parametrize("price", [90 * CENT - 1, 110 * CENT + 1, 1], ids=["less", "more", "almost nothing"])
def test_a_price_far_from_the_last_one_waits_for_another_report(lending: Lending, price: int) -> None:
    held = lending.report(price).one("PriceHeld")
    assert lending.oracle.call("held") == (price, held["observed_at"])
    with pytest.raises(ContractError, match="PriceOracle: price is held back"):
        lending.oracle.call("latest")
    assert lending.report(price).events == [], "too early"
    lending.chain.node.advance(60)
    assert lending.report(price).one("PriceUpdated")["price"] == price
    assert lending.oracle.call("latest")[0] == price
    assert lending.oracle.call("held") == (0, 0)


def test_one_wrong_report_changes_no_price(lending: Lending) -> None:
    lending.report(DOLLAR // 2).one("PriceHeld")
    lending.report(DOLLAR).one("PriceUpdated")
    assert lending.oracle.call("latest")[0] == DOLLAR
    assert lending.oracle.call("held") == (0, 0)


def test_another_far_price_begins_to_wait_anew(lending: Lending) -> None:
    lending.report(DOLLAR // 2).one("PriceHeld")
    lending.chain.node.advance(60)
    lending.report(DOLLAR // 4).one("PriceHeld")
    lending.chain.node.advance(30)
    assert lending.report(DOLLAR // 4).events == []


def test_only_a_feeder_reports(lending: Lending) -> None:
    lending.chain.node.advance(1)
    for account in (lending.owner, lending.pauser, lending.alice):
        with reverts("Roles: missing role"):
            lending.oracle.invoke("report", DOLLAR, lending.chain.node.timestamp(), by=account)


def test_an_observation_is_new_and_of_the_last_minute(lending: Lending) -> None:
    now = lending.report(DOLLAR).one("PriceUpdated")["observed_at"]
    with reverts("PriceOracle: not newer"):
        lending.oracle.invoke("report", DOLLAR, now, by=lending.feeder)
    lending.chain.node.advance(100)
    with reverts("PriceOracle: too old"):
        lending.oracle.invoke("report", DOLLAR, now + 1, by=lending.feeder)
    with reverts("PriceOracle: of the future"):
        lending.oracle.invoke("report", DOLLAR, now + 1000, by=lending.feeder)


@pytest.mark.parametrize(
    ("price", "reason"), [(0, "PriceOracle: price is zero"), (2**160 + 1, "PriceOracle: price too large")]
)
def test_impossible_prices_are_refused(lending: Lending, price: int, reason: str) -> None:
    with reverts(reason):
        lending.report(price)
    roles = lending.owner.address, lending.pauser.address, lending.feeder.address
    with reverts(reason):
        lending.chain.deploy("PriceOracle", *roles, price)


def test_no_price_is_reported_while_paused(lending: Lending) -> None:
    lending.oracle.invoke("pause", by=lending.pauser)
    with reverts("Pausable: paused"):
        lending.report(DOLLAR)


def test_the_oracle_has_no_address_zero(chain: Chain, lending: Lending) -> None:
    good = [lending.owner.address, lending.pauser.address, lending.feeder.address]
    reasons = ("Ownable: owner is zero", "Roles: account is zero", "Roles: account is zero")
    for place, reason in enumerate(reasons):
        arguments = [0 if i == place else each for i, each in enumerate(good)]
        with chain.rolled_back(), reverts(reason):
            chain.deploy("PriceOracle", *arguments, DOLLAR)
