"""What happens to accounts, in trading: suspension and its end, verification tiers, and notifications."""

from __future__ import annotations

from typing import Any

import pytest

from streams.events import AnyEvent, Event, EventData
from streams.events.notifications import Notified
from streams.events.trading import TradeExecuted, TradeRejected, TradingResumed, TradingSuspended
from streams.events.user import (
    TIERS,
    AccountClosed,
    AccountReinstated,
    AccountSuspended,
    EmailVerified,
    LoggedIn,
    VerificationChanged,
)
from streams.ids import uuid7
from streams.times import Instant
from tests.unit.agents.world import World, of_type

ADA = {"user_id": "ada"}


def accounted(world: World, data: EventData, number: int) -> list[AnyEvent]:
    time = Instant.parse("2024-09-20T08:00:00Z")
    event_id = uuid7(time.milliseconds(), number.to_bytes(10))
    found: list[AnyEvent] = world.trading.account_changed(
        Event.first(data, event_id=event_id, time=time, key="ada", rules_version=1)
    )
    return found


@pytest.fixture
def market(world: World) -> World:
    world.price("BTC", "60000", "2024-09-20T08:00:00Z")
    return world


def order(world: World, minute: int = 1, **fields: Any) -> list[AnyEvent]:
    return world.order(f"2024-09-20T08:{minute:02d}:00Z", **fields)


def reasons(events: list[AnyEvent]) -> list[str]:
    return [rejected.reason for rejected in of_type(events, TradeRejected)]


def test_a_suspended_account_is_suspended_in_trading_until_it_is_reinstated(market: World) -> None:
    assert accounted(market, AccountReinstated(**ADA), 1) == []
    suspended, told = accounted(market, AccountSuspended(**ADA), 2)
    assert suspended.data == TradingSuspended(reason="account_suspended")
    assert isinstance(told.data, Notified)
    assert (told.data.kind, told.data.cause_id, told.causationid) == ("account_suspended", suspended.id, suspended.id)
    assert accounted(market, AccountSuspended(**ADA), 3) == []
    assert reasons(order(market)) == ["account_suspended"]
    assert [event.data for event in accounted(market, AccountReinstated(**ADA), 4)] == [TradingResumed()]
    assert of_type(order(market, 2), TradeExecuted)


def test_a_repeated_suspension_does_not_suspend_again(market: World) -> None:
    accounted(market, AccountSuspended(**ADA), 1)
    accounted(market, AccountReinstated(**ADA), 2)
    assert accounted(market, AccountSuspended(**ADA), 1) == []
    assert of_type(order(market), TradeExecuted)


def test_a_closed_account_does_not_trade(market: World) -> None:
    (closed, _) = accounted(market, AccountClosed(**ADA), 1)
    assert closed.data == TradingSuspended(reason="account_closed")
    assert reasons(order(market)) == ["account_suspended"]


@pytest.mark.parametrize("tier", TIERS)
def test_live_trades_need_verification_tier_identity_or_higher(market: World, tier: Any) -> None:
    accounted(market, VerificationChanged(user_id="ada", tier=tier, before="unverified"), 1)
    expected = "no_venue_connected" if tier in {"identity", "premium"} else "verification_required"
    assert reasons(order(market, mode="live")) == [expected]
    assert of_type(order(market, 2), TradeExecuted)


def test_a_verified_address_raises_the_lowest_tier_only(market: World) -> None:
    accounted(market, EmailVerified(**ADA), 1)
    assert market.trading.accounts.get("ada").tier == "email"
    accounted(market, VerificationChanged(user_id="ada", tier="premium", before="email"), 2)
    accounted(market, EmailVerified(**ADA), 3)
    assert market.trading.accounts.get("ada").tier == "premium"


def test_other_account_events_write_nothing(market: World) -> None:
    assert accounted(market, LoggedIn(**ADA), 1) == []
    assert market.trading.accounts.get("ada") is None


def test_liquidations_and_risk_alerts_are_told(market: World) -> None:
    order(market, notional_usd="10000.01")
    market.price("BTC", "50000", "2024-09-20T08:05:00Z")
    told = [(said.kind, said.text) for said in of_type(market.events, Notified)]
    assert [one for one in told if one[0] not in {"level_up", "achievement"}] == [
        ("risk_alert", "risk_alert.high"),
        ("liquidation", "liquidation"),
    ]
