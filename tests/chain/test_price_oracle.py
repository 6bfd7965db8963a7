"""The price oracle: what it takes, what it holds back."""

from __future__ import annotations

from dataclasses import replace

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


def test_the_time_of_an_observation_does_not_shorten_the_wait(lending: Lending) -> None:
    now = _silent(lending)
    assert _at_once(lending, (DOLLAR // 2, now - 60), (DOLLAR // 2, now)) == ["PriceHeld"]
    assert lending.oracle.call("held") == (DOLLAR // 2, now)


def test_many_reports_of_one_block_do_not_add_up(lending: Lending) -> None:
    now = _silent(lending)
    reports = [(DOLLAR * 11**n // 10**n, now - 5 + n) for n in range(1, 6)]
    assert _at_once(lending, *reports[:2]) == ["PriceUpdated", "PriceHeld"]
    assert "PriceUpdated" not in _at_once(lending, *reports[2:])


def test_a_price_is_compared_with_the_lowest_and_the_highest_recent_one(lending: Lending) -> None:
    for there, back in ((95, 105), (105, 94)):
        with lending.chain.rolled_back():
            lending.report(there * CENT).one("PriceUpdated")
            lending.report(DOLLAR).one("PriceUpdated")
            lending.report(back * CENT).one("PriceHeld")


def test_the_first_price_is_recent_in_its_minute_and_in_the_next(lending: Lending) -> None:
    chain = lending.chain
    roles = lending.owner.address, lending.pauser.address, lending.feeder.address
    for passed in (1, 60):
        with chain.rolled_back():
            chain.node.advance(60 - chain.node.timestamp() % 60)
            again = replace(lending, oracle=chain.deploy("PriceOracle", *roles, DOLLAR))
            chain.node.advance(passed)
            again.report(DOLLAR).one("PriceUpdated")


def test_the_prices_of_the_minute_before_are_recent(lending: Lending) -> None:
    node = lending.chain.node
    node.advance(110 - node.timestamp() % 60)
    lending.report(110 * CENT).one("PriceUpdated")
    node.advance(20)
    lending.report(115 * CENT).one("PriceHeld")


def test_prices_before_the_minute_before_are_not_recent(lending: Lending) -> None:
    for price in (110 * CENT, 121 * CENT, 130 * CENT):
        lending.chain.node.advance(120)
        lending.report(price).one("PriceUpdated")


def test_a_confirmed_price_is_near_the_one_that_was_held_back_and_so_is_the_next(lending: Lending) -> None:
    lending.report(2 * DOLLAR).one("PriceHeld")
    lending.chain.node.advance(60)
    lending.report(210 * CENT).one("PriceUpdated")
    lending.report(221 * CENT).one("PriceHeld")


def _silent(lending: Lending) -> int:
    """Let two minutes pass without a report, and return the time."""
    lending.chain.node.advance(120)
    return lending.chain.node.timestamp()


def _at_once(lending: Lending, *reports: tuple[int, int]) -> list[str]:
    """Report prices in one transaction, and return the names of the events."""
    calls = [lending.oracle.prepare("report", *each) for each in reports]
    return [event.name for event in lending.oracle.receipt(lending.feeder.execute(*calls)).events]


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
