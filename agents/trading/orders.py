"""OpenTrade and CloseTrade: check practice orders at the mark price against the account and the limits."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from agents.trading import prices
from agents.trading.accounts import counted, with_account
from agents.trading.policy import TradingPolicy
from agents.trading.positions import Fill, moved
from agents.trading.refusals import Refusal, Terms, refuse_open
from streams.events import AnyEvent, Event
from streams.events.trading import CloseTrade, OpenTrade, RiskAlert, TradeExecuted, TradeRejected
from streams.ids import opened_trade_id
from streams.units import PPM, Quantity, Usd
from tables.trading import Account, Exposure, Mark, Portfolio, Position, Trade

VENUE = "practice"


class Books(NamedTuple):
    """The rows that an order needs: the user's practice account, and the user's position in one market."""

    account: Account
    portfolio: Portfolio
    position: Position | None


class Opened(NamedTuple):
    """The state after a trade was opened."""

    books: Books
    trade_id: str
    trade: Trade
    exposure: Exposure


def open_trade(
    books: Books, mark: Mark | None, event: Event[OpenTrade], policy: TradingPolicy
) -> tuple[Opened | None, list[AnyEvent]]:
    """Open a trade at the mark price, or return the rejection."""
    order = event.data
    notional = order.notional_usd
    terms = Terms(
        prices.margin(notional, order.leverage),
        prices.fee(notional, policy.fee_ppm),
        event.time.day_number(),
    )
    refusal = refuse_open(books.account, mark, order, terms, policy)
    if refusal is not None or mark is None:
        return None, [rejected_open(event, refusal or Refusal("no_price"))]
    executed = _execution(event, mark.price, terms)
    opened = _opened(books, event, executed, terms, policy)
    return opened, [event.then(executed, subject=executed.trade_id), *_alerts(books.account, event, opened, policy)]


def rejected_open(event: Event[OpenTrade], refusal: Refusal) -> AnyEvent:
    """Return the TradeRejected of an order. It names the trade that the order would have opened."""
    order = event.data
    rejected = TradeRejected(
        command="OpenTrade",
        reason=refusal.reason,
        detail=refusal.detail,
        market=order.market,
        trade_id=opened_trade_id(event.id),
        client_ref=order.client_ref,
    )
    return event.then(rejected)


def _execution(event: Event[OpenTrade], price: Quantity, terms: Terms) -> TradeExecuted:
    order = event.data
    trade_id = opened_trade_id(event.id)
    return TradeExecuted(
        trade_id=trade_id,
        fill_id=trade_id,
        venue=VENUE,
        market=order.market,
        side=prices.OPENING[order.side],
        mode="practice",
        price=price,
        size=prices.size_of(order.notional_usd, price),
        notional_usd=order.notional_usd,
        fee_usd=Usd(terms.fee),
        closed_pnl_usd=Usd(0),
        closes=False,
    )


def _opened(books: Books, event: Event[OpenTrade], fill: TradeExecuted, terms: Terms, policy: TradingPolicy) -> Opened:
    account = _charged(books.account, terms)
    portfolio = counted(books.portfolio, fill, new_trade=True, new_close=False, at=event.time)
    position = moved(books.position, Fill.of(fill, event.time))
    trade = _trade(event, fill, terms, policy)
    exposure = Exposure(
        user_id=event.partitionkey, side=trade.side, liquidation_price=trade.liquidation_price or trade.entry_price
    )
    return Opened(Books(account, with_account(portfolio, account), position), fill.trade_id, trade, exposure)


def _charged(account: Account, terms: Terms) -> Account:
    same_day = account.opened_day == terms.day
    return replace(
        account,
        balance=account.balance - terms.fee,
        margin=account.margin + terms.margin,
        opened_day=terms.day,
        opened_count=account.opened_count + 1 if same_day else 1,
    )


def _trade(event: Event[OpenTrade], fill: TradeExecuted, terms: Terms, policy: TradingPolicy) -> Trade:
    order = event.data
    return Trade(
        market=order.market,
        side=order.side,
        mode="practice",
        venue=VENUE,
        status="open",
        fills=1,
        notional=order.notional_usd,
        size=fill.size,
        fees=terms.fee,
        entry_price=fill.price,
        leverage=order.leverage,
        margin=terms.margin,
        liquidation_price=prices.liquidation_price(order.side, fill.price, order.leverage, policy.maintenance_ppm),
        client_ref=order.client_ref,
        opened_at=event.time,
        updated_at=event.time,
    )


def _alerts(before: Account, event: Event[OpenTrade], opened: Opened, policy: TradingPolicy) -> list[AnyEvent]:
    share = opened.trade.margin * PPM
    if share <= before.balance * policy.margin_ppm_medium:
        return []
    alert = RiskAlert(
        kind="margin",
        level="high" if share > before.balance * policy.margin_ppm_high else "medium",
        trade_id=opened.trade_id,
        margin_usd=Usd(opened.trade.margin),
        equity_usd=Usd(before.balance),
    )
    return [event.then(alert, subject=opened.trade_id)]


def refuse_close(trade: Trade | None, mark: Mark | None) -> str | None:
    """Return the reason why a trade cannot be closed, or None."""
    if trade is None:
        return "unknown_trade"
    if trade.mode == "live":
        return "closed_at_its_venue_only"
    if trade.status != "open":
        return "trade_not_open"
    return "no_price" if mark is None else None


def rejected_close(event: Event[CloseTrade], reason: str) -> AnyEvent:
    """Return the TradeRejected of a close."""
    return event.then(TradeRejected(command="CloseTrade", reason=reason, trade_id=event.data.trade_id))
