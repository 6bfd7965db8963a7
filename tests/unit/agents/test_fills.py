"""Venue fills: recorded as they came, added up by trade, once."""

from __future__ import annotations

import pytest

from streams.events import Event, UndecodableEventError
from streams.events.trading import TradeExecuted
from streams.ids import fill_event_id
from streams.times import Instant
from streams.units import Quantity, Usd
from tables.keys import trade_key
from tests.unit.agents.world import World, fill_of, of_type

AT = "2024-09-20T08:36:00Z"
LATER = "2024-09-20T09:00:00Z"


def test_fills_of_one_trade_add_up(world: World) -> None:
    world.fill("f-1", AT, trade_id="t", notional_usd="1500", size="0.025", fee_usd="0.5")
    world.fill("f-2", LATER, trade_id="t", notional_usd="1000", size="0.015", fee_usd="0.25", closed_pnl_usd="-3.5")
    trade = world.trading.trades.get(trade_key("ada", "t"))
    assert (trade.fills, trade.notional, trade.size) == (2, Usd.of(2500), Quantity.parse("0.04"))
    assert (trade.fees, trade.pnl, trade.status) == (Usd.parse("0.75"), Usd.parse("-3.5"), "closed")
    totals = world.trading.portfolios.get("ada").live
    assert (totals.fills, totals.trades, totals.closes, totals.volume) == (2, 1, 1, Usd.of(2500))


def test_a_fill_without_a_fee_is_charged_the_rule_books(world: World) -> None:
    (fact,) = of_type(world.fill("f-1", AT), TradeExecuted)
    assert fact.fee_usd == Usd.parse("1.50")


def test_a_fee_that_the_venue_reported_holds_even_when_it_is_0(world: World) -> None:
    (fact,) = of_type(world.fill("f-1", AT, fee_usd="0"), TradeExecuted)
    assert fact.fee_usd == 0


def test_a_venues_fill_is_never_rejected_for_risk(world: World) -> None:
    (fact,) = of_type(world.fill("f-1", AT, notional_usd="3509752.98", market="UNHEARD"), TradeExecuted)
    assert (fact.mode, fact.notional_usd) == ("live", Usd.parse("3509752.98"))
    assert world.trading.accounts.get("ada") is None or world.trading.accounts.get("ada").margin == 0


def test_two_users_with_the_same_trade_id_have_two_trades(world: World) -> None:
    world.fill("f-1", AT, trade_id="7")
    world.fill("f-2", AT, trade_id="7", user="bob")
    assert world.trading.trades.get(trade_key("ada", "7")).fills == 1
    assert world.gamification.progress.get("bob").trades == 1


def test_a_fill_delivered_again_changes_nothing_and_emits_nothing(world: World) -> None:
    assert world.fill("f-1", AT)
    before = {name: dict(rows) for name, rows in world.maps.items()}
    assert world.fill("f-1", AT) == []
    assert {name: dict(rows) for name, rows in world.maps.items()} == before


def test_facts_delivered_again_change_nothing_and_emit_nothing(world: World) -> None:
    facts = [
        event
        for event in world.fill("f-1", AT, fee_usd="1", closed_pnl_usd="5")
        if isinstance(event.data, TradeExecuted)
    ]
    before = {name: dict(rows) for name, rows in world.maps.items()}
    assert world.react(facts) == []
    assert {name: dict(rows) for name, rows in world.maps.items()} == before


def test_the_same_fill_gives_the_same_ids_in_another_world(world: World) -> None:
    other = World()
    assert [event.id for event in world.fill("f-1", AT)] == [event.id for event in other.fill("f-1", AT)]
    assert len({event.id for event in world.events}) == len(world.events)


def test_a_fill_under_another_users_key_is_refused(world: World) -> None:
    event = Event.first(
        fill_of("f-1", "bob"),
        event_id=fill_event_id("tape", "bob", "f-1"),
        time=Instant(0),
        key="ada",
        rules_version=1,
    )
    with pytest.raises(UndecodableEventError, match="bob"):
        world.deliver(event)
    assert world.maps["trading-seen"] == {}


def test_a_flip_turns_the_position(world: World) -> None:
    world.fill("f-1", AT, side="buy", size="2", price="100", notional_usd="200")
    world.fill("f-2", LATER, side="sell", size="5", price="120", notional_usd="600", closed_pnl_usd="40")
    position = world.trading.positions.get("ada|BTC")
    assert (position.quantity, position.average_entry) == (Quantity.of(-3), Quantity.of(120))
    assert position.realised_pnl == Usd.of(40)


def test_practice_and_live_positions_are_kept_apart(world: World) -> None:
    world.price("BTC", "60000", AT)
    world.order(LATER, side="short")
    world.fill("f-1", LATER)
    assert world.trading.positions.get("ada|BTC").quantity == Quantity.parse("0.025")
    assert world.trading.positions.get("ada|BTC|practice").quantity == Quantity.parse("-0.025")


def test_an_older_fill_does_not_turn_back_the_clock_of_a_row(world: World) -> None:
    world.fill("f-2", LATER)
    world.fill("f-1", AT)
    assert world.trading.portfolios.get("ada").updated_at == Instant.parse(LATER)
    assert world.trading.positions.get("ada|BTC").updated_at == Instant.parse(LATER)
