"""Practice orders: their conditions, their cost, and how they end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.events.gamification import LevelUp
from streams.events.notifications import Notified
from streams.events.trading import OpenTrade, RiskAlert, TradeClosed, TradeExecuted, TradeLiquidated, TradeRejected
from streams.ids import opened_trade_id, uuid7
from streams.units import USD_UNIT, Quantity, Usd
from tables.trading import owned_key, position_key
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import World, of_type

DAY = "2024-09-20T"
START = 10_000 * USD_UNIT
ORDER = {"market": "BTC", "side": "long", "notional_usd": "1500.00", "leverage": 10}


def at(minute: int) -> str:
    return f"{DAY}{8 + minute // 60:02d}:{minute % 60:02d}:00Z"


@pytest.fixture
def market(world: World) -> World:
    world.price("BTC", "60000", at(0))
    world.price("SOL", "150", at(0))
    return world


def reasons(events: Any) -> Any:
    return [rejected.reason for rejected in of_type(events, TradeRejected)]


def executed(events: Any) -> Any:
    (fact,) = of_type(events, TradeExecuted)
    return fact


def test_an_account_starts_with_10_000(market: World) -> None:
    market.order(at(1))
    account = market.trading.accounts.get("ada")
    assert account.balance == START - Usd.parse("1.50")
    assert account.margin == Usd.of(150)
    assert account.available == START - Usd.parse("151.50")


def test_an_order_executes_at_the_mark_with_the_rule_books_fee(market: World) -> None:
    fact = executed(market.order(at(1), client_ref="mine"))
    assert (fact.mode, fact.side) == ("practice", "buy")
    assert (fact.price, fact.size) == (Quantity.of(60_000), Quantity.parse("0.025"))
    assert (fact.notional_usd, fact.fee_usd) == (Usd.of(1500), Usd.parse("1.50"))
    trade = market.trading.trades.get("ada", fact.trade_id)
    assert (trade.status, trade.leverage, trade.liquidation_price) == ("open", 10, Quantity.of(54_300))
    assert trade.client_ref == "mine"


def test_a_user_has_a_list_of_the_open_trades_without_those_that_ended(market: World) -> None:
    closed, liquidated, opened = (executed(market.order(at(n), leverage=n)).trade_id for n in (1, 9, 2))
    listed = market.trading.owned
    assert all(listed.get(owned_key("ada", one)) for one in (closed, liquidated, opened))
    market.close(closed, at(10))
    market.price("BTC", "53000", at(11))
    assert [listed.get(owned_key("ada", one)) is not None for one in (closed, liquidated, opened)] == [
        False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("order", "reason", "detail"),
    [
        ({"mode": "live"}, "verification_required", "needs the tier identity, the account has unverified"),
        ({"market": "NOPE"}, "unknown_market", ""),
        ({"market": "SOL", "leverage": 21}, "leverage_above_market_maximum",
         "SOL allows at most 20, the order has 21"),
        ({"leverage": 11}, "leverage_above_user_maximum", "the account allows at most 10, the order has 11"),
        ({"notional_usd": "100000.01"}, "insufficient_balance",
         "needs 10100.00101 USD of margin and fee, 10000.00 are available"),
        ({"notional_usd": "15000.01"}, "margin_above_limit",
         "needs 1500.001 USD of margin, at most 1500.00 are allowed"),
        ({"market": "ETH"}, "no_price", ""),
    ],
)  # fmt: skip
def test_an_order_that_breaks_a_limit_is_rejected_and_changes_nothing(
    market: World, order: Any, reason: Any, detail: Any
) -> None:
    before = {name: dict(rows) for name, rows in market.maps.items() if name != "trading-processed"}
    events = market.order(at(1), client_ref="r-1", **order)
    assert reasons(events) == [reason]
    rejected = of_type(events, TradeRejected)[0]
    assert (rejected.client_ref, rejected.detail) == ("r-1", detail)
    (told,) = of_type(events, Notified)
    assert (told.kind, told.arguments["reason"], told.cause_id) == ("order_rejected", reason, events[0].id)
    assert len(events) == 2
    assert {name: dict(rows) for name, rows in market.maps.items() if name != "trading-processed"} == before


def test_a_rejection_names_the_trade_id_that_the_answer_to_the_order_gave(market: World) -> None:
    first, late = uuid7(1, b"1" * 10), uuid7(1, b"2" * 10)
    for order_id, reason, time in ((first, "unknown_market", at(1)), (late, "too_late", "2023-01-01T00:00:00Z")):
        events = market.send(OpenTrade.of({**ORDER, "market": "NOPE"}), time, event_id=order_id)
        (rejected,) = of_type(events, TradeRejected)
        (told,) = of_type(events, Notified)
        assert (rejected.reason, rejected.trade_id) == (reason, opened_trade_id(order_id))
        assert told.arguments["trade_id"] == rejected.trade_id


@pytest.mark.parametrize(("market_name", "most"), [("BTC", 50), ("SOL", 20)])
def test_the_markets_own_maximum_holds_for_a_user_with_a_higher_one(market: World, market_name: Any, most: Any) -> None:
    market.trading.gamified(market_level(100))
    assert reasons(market.order(at(1), market=market_name, leverage=most + 1)) == ["leverage_above_market_maximum"]
    assert executed(market.order(at(2), market=market_name, leverage=most))


def market_level(leverage: int) -> Any:
    from streams.events import Event
    from streams.times import Instant

    data = LevelUp(old=1, new=19, max_leverage=leverage)
    return Event.first(data, event_id=uuid7(1, bytes(10)), time=Instant(1), key="ada", rules_version=1)


def test_a_level_up_raises_the_maximum_leverage_and_an_older_one_does_not_lower_it(market: World) -> None:
    market.trading.gamified(market_level(20))
    market.trading.gamified(market_level(15))
    assert executed(market.order(at(1), leverage=20))
    assert market.trading.accounts.get("ada").max_leverage == 20


def test_a_suspended_account_opens_nothing_but_may_close(market: World) -> None:
    trade_id = executed(market.order(at(1))).trade_id
    account = market.trading.accounts.get("ada")
    market.trading.accounts.put("ada", replace(account, suspended=True))
    assert reasons(market.order(at(2))) == ["account_suspended"]
    assert of_type(market.close(trade_id, at(3)), TradeClosed)


def test_the_21st_trade_of_a_utc_day_is_rejected_and_the_next_day_starts_over(market: World) -> None:
    for minute in range(20):
        assert executed(market.order(at(minute), notional_usd="10"))
    assert reasons(market.order("2024-09-20T23:59:59.999999Z", notional_usd="10")) == ["daily_limit_reached"]
    assert executed(market.order("2024-09-21T00:00:00Z", notional_usd="10"))


def test_an_order_of_the_day_before_the_newest_trade_is_rejected_so_that_no_day_has_more_than_20(market: World) -> None:
    for minute in range(20):
        assert executed(market.order(at(minute), notional_usd="10"))
    assert reasons(market.order("2024-09-19T23:59:59.999999Z", notional_usd="10")) == ["day_is_over"]
    assert reasons(market.order(at(21), notional_usd="10")) == ["daily_limit_reached"]


def test_another_users_day_and_account_are_their_own(market: World) -> None:
    for minute in range(20):
        market.order(at(minute), notional_usd="10")
    assert executed(market.order(at(30), user="bob", notional_usd="10"))


@pytest.mark.parametrize(
    ("notional", "level"),
    [("5000.00", None), ("5000.01", "medium"), ("10000.00", "medium"), ("10000.01", "high"), ("15000.00", "high")],
)
def test_margin_above_5_and_10_percent_of_equity_alerts(market: World, notional: Any, level: Any) -> None:
    alerts = of_type(market.order(at(1), notional_usd=notional), RiskAlert)
    assert [alert.level for alert in alerts] == ([level] if level else [])


def test_closing_moves_the_pnl_once_and_frees_the_margin(market: World) -> None:
    trade_id = executed(market.order(at(1))).trade_id
    market.price("BTC", "66000", at(2))
    (closed,) = of_type(market.close(trade_id, at(3)), TradeClosed)
    assert (closed.pnl_usd, closed.profitable, closed.exit_price) == (Usd.of(150), True, Quantity.of(66_000))
    account = market.trading.accounts.get("ada")
    assert (account.balance, account.margin) == (START + Usd.parse("148.50"), 0)
    position = market.trading.positions.get(position_key("ada", "BTC", "practice"))
    assert (position.quantity, position.cost, position.realised_pnl) == (0, 0, Usd.of(150))
    portfolio = market.trading.portfolios.get("ada")
    assert (portfolio.practice.closes, portfolio.practice.realised_pnl) == (1, Usd.of(150))
    assert (portfolio.practice_balance, portfolio.practice_margin) == (account.balance, 0)
    assert portfolio.live.fills == 0
    assert market.trading.open.prefix("") == []


def test_a_trade_is_closed_once_and_by_its_owner_only(market: World) -> None:
    trade_id = executed(market.order(at(1))).trade_id
    assert reasons(market.close(trade_id, at(2), user="bob")) == ["unknown_trade"]
    assert of_type(market.close(trade_id, at(3)), TradeClosed)
    assert reasons(market.close(trade_id, at(4))) == ["trade_not_open"]
    assert reasons(market.close("no-such", at(5))) == ["unknown_trade"]


def test_a_venues_trade_is_not_closed_here(market: World) -> None:
    market.fill("f-1", at(1))
    assert reasons(market.close("f-1", at(2))) == ["closed_at_its_venue_only"]


def test_a_mark_beyond_the_liquidation_price_liquidates_and_one_on_it_does_not(market: World) -> None:
    trade_id = executed(market.order(at(1))).trade_id
    assert of_type(market.price("BTC", "54300", at(2)), TradeLiquidated) == []
    (fact,) = of_type(market.price("BTC", "54299.99", at(3)), TradeLiquidated)
    assert (fact.trade_id, fact.exit_price) == (trade_id, Quantity.parse("54299.99"))
    assert fact.liquidation_price == Quantity.of(54_300)
    assert fact.pnl_usd == Usd.parse("-142.50025")
    assert market.trading.trades.get("ada", trade_id).status == "liquidated"
    assert reasons(market.close(trade_id, at(4))) == ["trade_not_open"]
    assert market.price("BTC", "1", at(5)) == []


def test_a_gap_costs_no_more_than_the_margin(market: World) -> None:
    market.order(at(1))
    (fact,) = of_type(market.price("BTC", "30000", at(2)), TradeLiquidated)
    assert fact.pnl_usd == -Usd.of(150)


def test_a_mark_liquidates_only_its_market_and_only_trades_beyond_their_price(market: World) -> None:
    market.order(at(1), leverage=10)
    market.order(at(2), leverage=5)
    market.order(at(3), side="short")
    market.order(at(4), market="SOL")
    market.order(at(5), user="bob")
    facts = of_type(market.price("BTC", "54000", at(6)), TradeLiquidated)
    assert len(facts) == 2
    assert {event.partitionkey for event in market.events if isinstance(event.data, TradeLiquidated)} == {"ada", "bob"}
    assert len(market.trading.open.prefix("")) == 3


def test_an_older_mark_is_skipped(market: World) -> None:
    market.price("BTC", "61000", at(10))
    market.order(at(11))
    assert market.price("BTC", "1", at(9)) == []
    assert market.trading.marks.get("BTC").price == Quantity.of(61_000)


def test_a_mark_that_makes_a_size_absurd_is_no_price(market: World) -> None:
    market.price("BTC", "0.000000000000000001", at(1))
    assert reasons(market.order(at(2))) == ["price_out_of_range"]


MOVES = st.lists(st.integers(1, 200_000), min_size=1, max_size=6)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["long", "short"]), st.integers(1, 20_000), st.integers(1, 10)),
        min_size=1,
        max_size=6,
    ),
    MOVES,
)
def test_money_is_conserved_and_no_balance_goes_below_zero(orders: Any, moves: Any) -> None:
    world = World()
    world.price("BTC", "60000", at(0))
    for number, (side, notional, leverage) in enumerate(orders):
        world.order(at(number + 1), side=side, notional_usd=str(notional), leverage=leverage)
    for number, price in enumerate(moves):
        world.price("BTC", str(price), at(20 + number))
    for key, _ in world.trading.open.prefix("BTC|"):
        world.close(key.partition("|")[2], at(50))
    account = world.trading.accounts.get("ada")
    if account is None:
        return
    fees = sum(fact.fee_usd for fact in of_type(world.events, TradeExecuted))
    ended = of_type(world.events, TradeClosed) + of_type(world.events, TradeLiquidated)
    assert account.balance == START - fees + sum(fact.pnl_usd for fact in ended)
    assert account.balance >= 0
    assert account.margin == 0
    position = world.trading.positions.get(position_key("ada", "BTC", "practice"))
    assert (position.quantity, position.realised_pnl) == (0, sum(fact.pnl_usd for fact in ended))


def test_the_practice_balance_is_configuration() -> None:
    world = World(rulebook_with({"version": 2, "trading": {"practice_balance_usd": "5"}}))
    world.price("BTC", "60000", at(0))
    assert reasons(world.order(at(1), notional_usd="60")) == ["insufficient_balance"]


def test_an_order_that_comes_a_month_late_is_refused_and_a_repeated_one_skipped(market: World) -> None:
    at_first, a_month_later = at(1), "2024-10-25T08:00:00Z"
    opened = market.send(OpenTrade.of(ORDER), at_first, event_id=uuid7(1, b"1" * 10))
    assert of_type(opened, TradeExecuted)
    assert market.send(OpenTrade.of(ORDER), at_first, event_id=uuid7(1, b"1" * 10)) == []
    market.close("none", a_month_later)
    assert reasons(market.send(OpenTrade.of(ORDER), at_first, event_id=uuid7(1, b"2" * 10))) == ["too_late"]
    assert reasons(market.close("none", at_first)) == ["too_late"]
    assert market.trading.accounts.get("ada").opened_count == 1
