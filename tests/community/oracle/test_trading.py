"""Worked examples of domain.md §3 and §7, computed by the oracle."""

from typing import Any

import pytest

from tests.community.oracle.amounts import E8, quantity, usd
from tests.community.oracle.ids import trade_of
from tests.community.oracle.told import Told
from tests.community.oracle.trading_rules import Change, liquidation_price, moved, pnl


def priced(price: str = "50000", market: str = "BTC") -> Told:
    world = Told()
    world.say("PriceUpdated", market=market, price=price)
    return world


def order(world: Told, notional: str = "1500.00", leverage: int = 10, side: str = "long", **more: Any) -> str:
    """Send an order, and return the id of its trade."""
    data: dict[str, Any] = {"market": "BTC", "side": side, "notional_usd": notional, "leverage": leverage, **more}
    return trade_of(world.say("OpenTrade", "ada", **data))


def test_an_order_costs_a_tenth_of_a_percent_and_sets_its_margin_aside() -> None:
    world = priced()
    trade_id = order(world)
    account = world.row("trading-accounts", "ada")
    assert (account["balance"], account["margin"]) == (usd("9998.50"), usd("150"))
    trade = world.row("trading-trades", f"ada|{trade_id}")
    assert (trade["fees"], trade["size"], trade["status"]) == (usd("1.50"), quantity("0.03"), "open")


def test_a_close_realises_its_pnl_once_and_frees_the_margin() -> None:
    world = priced()
    trade_id = order(world)
    world.say("PriceUpdated", market="BTC", price="55000")
    for _ in range(2):
        world.say("CloseTrade", "ada", trade_id=trade_id)
    account = world.row("trading-accounts", "ada")
    assert (account["balance"], account["margin"]) == (usd("10148.50"), 0)
    assert world.row("trading-trades", f"ada|{trade_id}")["pnl"] == usd("150")
    position = world.row("trading-positions", "ada|BTC|practice")
    assert (position["quantity"], position["cost"], position["realised_pnl"]) == (0, 0, usd("150"))
    assert world.kinds("ada") == ["order_rejected.CloseTrade"]
    assert world.row("trading-open", f"BTC|{trade_id}") is None


@pytest.mark.parametrize(("side", "expected"), [("long", 100), ("short", -100)])
def test_pnl_is_notional_times_the_move_by_the_entry_with_the_sign_inverted_for_short(side: str, expected: int) -> None:
    assert pnl(side, 1_000 * E8, quantity("50000"), quantity("55000")) == expected * E8


def test_the_liquidation_price_is_95_percent_of_the_margin_away() -> None:
    assert liquidation_price("long", quantity("50000"), 10) == quantity("45250")
    assert liquidation_price("short", quantity("50000"), 10) == quantity("54750")


def test_a_mark_beyond_the_liquidation_price_liquidates_and_one_that_equals_it_does_not() -> None:
    world = priced()
    trade_id = order(world)
    world.say("PriceUpdated", market="BTC", price="45250")
    assert world.row("trading-trades", f"ada|{trade_id}")["status"] == "open"
    world.say("PriceUpdated", market="BTC", price="45249.99")
    trade = world.row("trading-trades", f"ada|{trade_id}")
    assert (trade["status"], trade["pnl"]) == ("liquidated", usd("-142.5003"))
    assert world.kinds("ada") == ["liquidation"]


def test_a_loss_never_exceeds_the_margin() -> None:
    world = priced()
    trade_id = order(world)
    world.say("PriceUpdated", market="BTC", price="20000")
    assert world.row("trading-trades", f"ada|{trade_id}")["pnl"] == usd("-150")


@pytest.mark.parametrize(
    ("notional", "texts"),
    [
        ("5000.00", []),
        ("5000.01", ["risk_alert.medium"]),
        ("10000.00", ["risk_alert.medium"]),
        ("10000.01", ["risk_alert.high"]),
        ("15000.00", ["risk_alert.high"]),
        ("15000.01", ["order_rejected.OpenTrade"]),
    ],
)
def test_a_margin_above_5_and_10_percent_of_equity_alerts_and_above_15_percent_is_rejected(
    notional: str, texts: list[str]
) -> None:
    world = priced()
    order(world, notional)
    assert world.kinds("ada") == texts


def reasons(world: Told) -> list[str]:
    return [arguments["reason"] for _, kind, _, arguments in world.inbox.told if kind == "order_rejected"]


def test_a_day_opens_twenty_trades_and_the_next_day_again() -> None:
    world = priced()
    for _ in range(21):
        order(world, "10.00")
    assert reasons(world) == ["daily_limit_reached"]
    data: dict[str, Any] = {"market": "BTC", "side": "long", "notional_usd": "10.00", "leverage": 10}
    world.say("OpenTrade", "ada", "2026-01-06T00:00:00Z", **data)
    assert len(reasons(world)) == 1
    assert world.row("trading-accounts", "ada")["opened_count"] == 1


def test_leverage_is_limited_by_the_user_and_by_the_market() -> None:
    world = priced()
    world.say("PriceUpdated", market="SOL", price="100")
    order(world, leverage=11)
    world.trading.levelled("ada", 30, 0, ("x",))
    order(world, leverage=30)
    order(world, leverage=30, market="SOL")
    order(world, leverage=51)
    assert reasons(world) == [
        "leverage_above_user_maximum",
        "leverage_above_market_maximum",
        "leverage_above_market_maximum",
    ]


def test_a_suspended_account_opens_nothing_and_may_close() -> None:
    world = priced()
    trade_id = order(world)
    world.say("AccountSuspended", "ada", user_id="ada")
    order(world)
    world.say("CloseTrade", "ada", trade_id=trade_id)
    world.say("AccountReinstated", "ada", user_id="ada")
    order(world)
    assert reasons(world) == ["account_suspended"]
    assert world.row("trading-trades", f"ada|{trade_id}")["status"] == "closed"


def test_live_trades_need_the_tier_identity_or_higher() -> None:
    world = priced()
    for tier in ("phone", "identity", "premium"):
        world.say("VerificationChanged", "ada", user_id="ada", tier=tier, before="email")
        order(world, mode="live")
    assert reasons(world) == ["verification_required", "no_venue_connected", "no_venue_connected"]


# --- fills ------------------------------------------------------------------------------------------------------------


def fill(world: Told, number: int = 1, notional: str = "1500.00", **more: Any) -> None:
    data: dict[str, Any] = {
        "fill_id": f"f-{number}",
        "user_id": "ada",
        "trade_id": "t-1",
        "venue": "tape",
        "market": "BTC",
    }
    data |= {"side": "buy", "price": "50000", "size": "0.03", "notional_usd": notional}
    world.say("ReportFill", "tape", **{**data, **more})


def test_fills_of_one_trade_add_up_and_a_fill_counts_once() -> None:
    world = Told()
    fill(world)
    fill(world)
    fill(world, 2, "1000.00", size="0.02", fee_usd="0.25")
    trade = world.row("trading-trades", "ada|t-1")
    assert (trade["fills"], trade["notional"], trade["fees"]) == (2, usd("2500"), usd("1.75"))
    assert world.row("trading-portfolio", "ada")["live"]["trades"] == 1


@pytest.mark.parametrize("more", [{"closes": True}, {"closed_pnl_usd": "-0.00000001"}])
def test_a_fill_closes_when_it_says_so_or_has_a_pnl(more: dict[str, Any]) -> None:
    world = Told()
    fill(world)
    fill(world, 2, side="sell", price="51000", **more)
    trade = world.row("trading-trades", "ada|t-1")
    assert (trade["status"], trade["exit_price"]) == ("closed", quantity("51000"))
    assert world.row("trading-portfolio", "ada")["live"]["closes"] == 1


def test_a_fill_through_zero_opens_the_rest_at_its_own_price() -> None:
    one = moved(None, Change(quantity=quantity("2"), price=quantity("100"), notional=200 * E8, pnl=0, at=1))
    two = moved(one, Change(quantity=quantity("-3"), price=quantity("110"), notional=330 * E8, pnl=20 * E8, at=2))
    assert (two["quantity"], two["cost"], two["realised_pnl"]) == (quantity("-1"), 110 * E8, 20 * E8)
    assert (two["average_entry"], two["unrealised_pnl"]) == (quantity("110"), 0)


def test_the_fee_of_a_fill_is_split_and_the_remainder_goes_to_the_treasury() -> None:
    world = Told()
    fill(world, fee_usd="0.00000007")
    shares = {name: world.row("financial-fees", f"trading|USD|all|{name}")["amount"] for name in SHARES}
    assert shares == {"total": 7, "treasury": 5, "paymaster": 1, "staking_rewards": 1}
    assert world.has("platform:fees:trading") == 7 * 10**10
    assert world.has("outside:tape") == -7 * 10**10


SHARES = ("total", "treasury", "paymaster", "staking_rewards")


def test_practice_money_is_not_in_the_ledger() -> None:
    world = priced()
    order(world)
    assert not [key for key in world.rows()["financial-ledger"] if key.endswith("|USD")]
