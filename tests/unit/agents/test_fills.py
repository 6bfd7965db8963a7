"""Venue fills: recorded as they came, added up by trade, once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.events import AnyEvent, Event, UndecodableEventError
from streams.events.gamification import LateEventRecorded
from streams.events.trading import FillRejected, TradeExecuted
from streams.ids import fill_event_id
from streams.times import DAY_US, HOUR_US, Instant
from streams.units import Quantity, Usd
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import World, fill_of, of_type

AT = "2024-09-20T08:36:00Z"
LATER = "2024-09-20T09:00:00Z"


def test_fills_of_one_trade_add_up(world: World) -> None:
    world.fill("f-1", AT, trade_id="t", notional_usd="1500", size="0.025", fee_usd="0.5")
    world.fill("f-2", LATER, trade_id="t", notional_usd="1000", size="0.015", fee_usd="0.25", closed_pnl_usd="-3.5")
    trade = world.trading.trades.get("ada", "t")
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
    assert world.trading.trades.get("ada", "7").fills == 1
    assert world.gamification.progress.get("bob").trades == 1


def test_a_fill_delivered_again_changes_nothing_and_emits_nothing(world: World) -> None:
    assert world.fill("f-1", AT)
    before = {name: dict(rows) for name, rows in world.maps.items()}
    assert world.fill("f-1", AT) == []
    assert {name: dict(rows) for name, rows in world.maps.items()} == before


@pytest.mark.parametrize("again", ["2024-09-20T08:36:00.001Z", "2024-08-20T08:36:00Z", "2024-10-15T08:36:00Z"])
def test_a_fill_counts_once_whatever_time_its_venue_reports(world: World, again: str) -> None:
    """Try the attack: the same venue and fill id with executed_at + 1 ms, and a month earlier."""
    world.fill("f-1", AT, notional_usd="6000")
    before = rows_of(world)
    (fact,) = world.fill("f-1", again, notional_usd="6000")
    assert isinstance(fact.data, FillRejected)
    assert (fact.data.reason, fact.data.differing) == ("conflicting_repetition", ("executed_at",))
    assert (fact.data.venue, fact.data.fill_id, fact.partitionkey) == ("tape", "f-1", "ada")
    assert rows_of(world) == before
    assert world.gamification.progress.get("ada").volume == Usd.of(6_000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trade_id", "t-2"),
        ("market", "ETH"),
        ("side", "sell"),
        ("price", "60001"),
        ("size", "0.026"),
        ("notional_usd", "1500.00000001"),
        ("fee_usd", "2"),
        ("closed_pnl_usd", "-1"),
        ("closes", True),
        ("taker", False),
    ],
)
def test_a_repetition_that_differs_is_a_conflict_that_names_the_field_and_moves_no_money(
    world: World, name: str, value: Any
) -> None:
    world.fill("f-1", AT, trade_id="t-1", fee_usd="1")
    before = rows_of(world)
    (fact,) = of_type(world.fill("f-1", AT, **({"trade_id": "t-1", "fee_usd": "1"} | {name: value})), FillRejected)
    assert (fact.reason, fact.differing) == ("conflicting_repetition", (name,))
    assert rows_of(world) == before


def test_two_conflicts_of_one_fill_are_two_events_and_the_first_report_holds(world: World) -> None:
    world.fill("f-1", AT, notional_usd="100")
    ids = [event.id for usd in ("101", "102") for event in world.fill("f-1", AT, notional_usd=usd)]
    assert len(set(ids)) == 2
    assert world.fill("f-1", AT, notional_usd="100") == []


def test_the_same_fill_id_of_another_user_or_venue_is_another_fill_with_another_id(world: World) -> None:
    events = [
        *of_fill(world.fill("f-1", AT)),
        *of_fill(world.fill("f-1", AT, user="bob")),
        *of_fill(world.fill("f-1", AT, venue="other")),
    ]
    assert len({event.id for event in events}) == len({event.causationid for event in events}) == 3
    assert world.trading.portfolios.get("ada").live.fills == 2
    assert world.trading.portfolios.get("bob").live.fills == 1


def test_a_fill_far_behind_its_users_newest_is_recorded_as_late_and_not_counted(world: World) -> None:
    world.fill("f-2", AT)
    before = rows_of(world)
    (fact,) = of_type(world.fill("f-1", "2024-08-20T08:35:00Z"), FillRejected)
    assert (fact.reason, fact.differing) == ("too_late", ())
    assert rows_of(world) == before
    assert of_type(world.fill("f-1", "2024-08-21T08:37:00Z"), TradeExecuted)


def test_the_history_of_a_venue_can_be_imported_by_a_user_who_trades_at_another_and_in_practice(world: World) -> None:
    world.price("BTC", "60000", AT)
    world.order(AT)
    world.fill("now", AT, venue="other")
    assert of_type(world.fill("f-1", "2022-01-01T00:00:00Z"), TradeExecuted)
    assert of_type(world.fill("f-2", "2022-06-01T00:00:00Z"), TradeExecuted)


def test_the_rule_book_says_how_far_back_repetitions_are_recognised() -> None:
    world = World(rulebook_with({"repeats_days": 1}))
    world.fill("f-2", AT)
    assert of_type(world.fill("f-1", "2024-09-19T08:35:00Z"), FillRejected)
    assert of_type(world.fill("f-1", "2024-09-19T08:37:00Z"), TradeExecuted)


REPORTS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["ada", "bob"]), st.integers(0, 20 * 24), st.integers(1, 3)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=50, deadline=None)
@given(REPORTS)
def test_whatever_is_reported_in_whatever_order_the_first_report_of_each_fill_counts_and_no_other(reports: Any) -> None:
    world, first = World(), dict[tuple[str, int], int]()
    for fill, user, hour, usd in reports:
        first.setdefault((user, fill), usd)
        world.fill(f"f-{fill}", Instant(1_000 * DAY_US + hour * HOUR_US).text(), user=user, notional_usd=str(usd))
    for user in {user for user, _ in first}:
        volume = sum(Usd.of(usd) for (who, _), usd in first.items() if who == user)
        assert world.trading.portfolios.get(user).live.volume == volume
        assert world.gamification.progress.get(user).volume == volume


def rows_of(world: World) -> dict[str, dict[bytes, bytes]]:
    return {name: dict(rows) for name, rows in world.maps.items()}


def of_fill(events: list[AnyEvent]) -> list[AnyEvent]:
    return [event for event in events if isinstance(event.data, TradeExecuted)]


def test_facts_that_kafka_delivers_again_change_nothing_and_emit_nothing() -> None:
    world = World(at_least_once=True)
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
    assert world.maps["trading-processed"] == {}


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


def test_a_late_fact_on_kafka_is_recorded_and_not_counted() -> None:
    world, early = World(at_least_once=True), World()
    world.fill("f-2", AT)
    facts = of_fill(early.fill("f-1", "2024-08-01T00:00:00Z"))
    (recorded,) = world.react(facts)
    assert isinstance(recorded.data, LateEventRecorded)
    assert (recorded.data.source_event_id, len(recorded.data.periods)) == (facts[0].id, 5)
    assert world.gamification.progress.get("ada").trades == 1
