"""Practice trading over HTTP: a user's next read shows the user's last command, counted by the rule book."""

from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.pipeline import Pipeline
from tests.e2e.trader import Trader, kind, post_price


def money(text: str) -> Decimal:
    return Decimal(text)


def test_an_opened_trade_is_in_the_next_read_that_waits_for_it(running: Pipeline) -> None:
    trader, _ = Trader.new(running), post_price(running, "BTC", "50000")
    trader.open("BTC", notional_usd="1500.00")
    portfolio = trader.read("portfolio")
    assert money(portfolio["practice_balance_usd"]) == Decimal("9998.50"), "10,000 less the fee of 1.50"
    assert money(portfolio["practice_margin_usd"]) == 150
    position = trader.position("BTC")
    assert position is not None
    assert (position["mode"], Decimal(position["quantity"])) == ("practice", Decimal("0.03"))
    assert Decimal(position["average_entry"]) == 50_000
    progress = trader.read("progress")
    assert (progress["xp"], progress["trades"]) == (15 + 50, 1)


def test_a_trade_closed_with_profit_moves_it_once_and_earns_the_close(running: Pipeline) -> None:
    trader, _ = Trader.new(running), post_price(running, "ETH", "2000")
    opened = trader.open("ETH")
    trader.read("portfolio")
    post_price(running, "ETH", "2200")
    closed = trader.close(opened["trade_id"])
    portfolio = trader.read("portfolio")
    assert [kind(event) for event in trader.followed(closed)] == ["TradeClosed"]
    assert money(portfolio["practice_balance_usd"]) == Decimal("9999.00") + 100
    assert money(portfolio["practice_margin_usd"]) == 0
    assert money(portfolio["practice"]["realised_pnl_usd"]) == 100
    position = trader.position("ETH")
    assert position is None or Decimal(position["quantity"]) == 0
    progress = trader.read("progress")
    assert (progress["closes"], progress["wins"]) == (1, 1)
    assert progress["xp"] == 10 + 50 + 25 + 50 + 25, "trade, first trade, close, win, first profit"
    assert money(progress["volume_usd"]) == 1_000, "a practice close adds no volume"


def test_closing_twice_is_refused_the_second_time(running: Pipeline) -> None:
    trader, _ = Trader.new(running), post_price(running, "SOL", "100")
    opened = trader.open("SOL")
    trader.close(opened["trade_id"])
    second = trader.close(opened["trade_id"])
    trader.read("portfolio")
    assert [kind(event) for event in trader.followed(second)] == ["TradeRejected"]


def test_nobody_closes_the_trade_of_another(running: Pipeline) -> None:
    owner, thief = Trader.new(running), Trader.new(running)
    post_price(running, "DOGE", "0.1")
    opened = owner.open("DOGE")
    owner.read("portfolio")
    thief.open("DOGE")
    stolen = thief.close(opened["trade_id"])
    thief.read("portfolio")
    assert [kind(event) for event in thief.followed(stolen)] == ["TradeRejected"]
    position = owner.position("DOGE")
    assert position is not None
    assert Decimal(position["quantity"]) == 10_000


REJECTED: list[tuple[str, dict[str, Any], str]] = [
    ("too much leverage for the user", {"leverage": 11}, "leverage_above_user_maximum"),
    ("too much leverage for the market", {"leverage": 21}, "leverage_above_market_maximum"),
    ("more than there is", {"notional_usd": "200000"}, "insufficient_balance"),
    ("more than 15% of equity as margin", {"notional_usd": "15001"}, "margin_above_limit"),
    ("live without verification", {"mode": "live"}, "verification_required"),
    ("a market without a price", {"market": "JUP"}, "no_price"),
]


@pytest.mark.parametrize(("order", "reason"), [case[1:] for case in REJECTED], ids=[case[0] for case in REJECTED])
def test_an_order_against_the_rules_is_rejected_and_costs_nothing(
    running: Pipeline, order: dict[str, Any], reason: str
) -> None:
    trader, _ = Trader.new(running), post_price(running, "XRP", "2.5")
    trader.open("XRP")
    refused = trader.open(**{"market": "XRP", **order})
    portfolio = trader.read("portfolio")
    rejected = trader.followed(refused)
    assert [(kind(event), event["data"]["reason"]) for event in rejected] == [("TradeRejected", reason)]
    assert [event["data"]["trade_id"] for event in rejected] == [refused["trade_id"]]
    assert money(portfolio["practice_balance_usd"]) == 9_999
    assert portfolio["practice"]["trades"] == 1


def test_the_twenty_first_trade_of_a_day_is_rejected(running: Pipeline) -> None:
    trader, _ = Trader.new(running), post_price(running, "ADA", "0.5")
    for _ in range(20):
        trader.open("ADA", notional_usd="10")
    last = trader.open("ADA", notional_usd="10")
    assert trader.read("portfolio")["practice"]["trades"] == 20
    assert [event["data"].get("reason") for event in trader.followed(last)] == ["daily_limit_reached"]


@pytest.mark.parametrize(("notional", "level"), [("5100", "medium"), ("10100", "high")])
def test_much_margin_is_accepted_with_an_alert(running: Pipeline, notional: str, level: str) -> None:
    trader, _ = Trader.new(running), post_price(running, "LINK", "15")
    opened = trader.open("LINK", notional_usd=notional)
    trader.read("portfolio")
    events = trader.followed(opened)
    assert {kind(event) for event in events} == {"TradeExecuted", "RiskAlert"}
    assert [event["data"]["level"] for event in events if kind(event) == "RiskAlert"] == [level]


@pytest.mark.parametrize(
    ("market", "side", "safe", "beyond"), [("AAVE", "long", "90.51", "90.49"), ("BNB", "short", "109.49", "109.51")]
)
def test_a_price_beyond_the_liquidation_price_ends_the_trade_within_its_margin(
    running: Pipeline, market: str, side: str, safe: str, beyond: str
) -> None:
    """The entry is 100 at 10x: 100 x (1 - 95% / 10) = 90.50 for a long, 109.50 for a short."""
    trader, _ = Trader.new(running), post_price(running, market, "100")
    trader.open(market, side=side)
    trader.after = post_price(running, market, safe)
    assert money(trader.read("portfolio")["practice_margin_usd"]) == 100, "not yet"
    trader.after = post_price(running, market, beyond)
    portfolio = trader.read("portfolio")
    loss = Decimal("9999.00") - money(portfolio["practice_balance_usd"])
    assert Decimal(95) <= loss <= Decimal(100)
    assert money(portfolio["practice_margin_usd"]) == 0
    assert kind(trader.events()[-1]) == "TradeLiquidated"
    position = trader.position(market)
    assert position is None or Decimal(position["quantity"]) == 0


def test_a_jump_far_beyond_costs_no_more_than_the_margin(running: Pipeline) -> None:
    trader, _ = Trader.new(running), post_price(running, "GMX", "100")
    trader.open("GMX")
    trader.after = post_price(running, "GMX", "1")
    assert money(trader.read("portfolio")["practice_balance_usd"]) == Decimal("9999.00") - 100
