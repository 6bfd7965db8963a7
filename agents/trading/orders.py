"""OpenTrade and CloseTrade: check practice orders at the mark price against the account and the limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from agents.trading import prices
from agents.trading.accounts import counted, with_account
from agents.trading.policy import TradingPolicy
from agents.trading.positions import Fill, moved
from agents.trading.standing import reaches
from streams.events import AnyEvent, Event
from streams.events.trading import CloseTrade, OpenTrade, RiskAlert, TradeExecuted, TradeRejected
from streams.ids import opened_trade_id
from streams.units import PPM, WHOLE_LIMIT, Quantity, Usd
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


class Terms(NamedTuple):
    """Margin and fee of an order in 1e-8 USD, and its UTC day (days since 1970)."""

    margin: int
    fee: int
    day: int


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
    reason = next(_refusals(books.account, order, terms, policy), None) or _unpriced(mark, notional)
    if reason is not None or mark is None:
        return None, [rejected_open(event, reason or "no_price")]
    executed = _execution(event, mark.price, terms)
    opened = _opened(books, event, executed, terms, policy)
    return opened, [event.then(executed, subject=executed.trade_id), *_alerts(books.account, event, opened, policy)]


def _refusals(account: Account, order: OpenTrade, terms: Terms, policy: TradingPolicy) -> Iterator[str]:
    """Yield the reasons to reject an order; the first one counts. The balance must cover the fee too.

    A live order goes to a venue, and no venue takes orders from here: venues report their fills.
    """
    if order.mode == "live" and not reaches(account.tier, policy.live_tier):
        yield "verification_required"
    if account.suspended:
        yield "account_suspended"
    if order.mode == "live":
        yield "no_venue_connected"
    if order.market not in policy.market_leverage_max:
        yield "unknown_market"
    elif order.leverage > policy.market_leverage_max[order.market]:
        yield "leverage_above_market_maximum"
    if order.leverage > account.max_leverage:
        yield "leverage_above_user_maximum"
    if reason := _closed_day(account, terms.day, policy):
        yield reason
    if terms.margin + terms.fee > account.available:
        yield "insufficient_balance"
    if terms.margin * PPM > account.balance * policy.margin_ppm_max:
        yield "margin_above_limit"


def _closed_day(account: Account, day: int, policy: TradingPolicy) -> str | None:
    """Return why a UTC day takes no further trade. An account counts the trades of the newest day only."""
    if day < account.opened_day:
        return "day_is_over"
    full = day == account.opened_day and account.opened_count >= policy.opened_per_day_max
    return "daily_limit_reached" if full else None


def _unpriced(mark: Mark | None, notional: int) -> str | None:
    if mark is None:
        return "no_price"
    tradable = prices.size_of(notional, mark.price) < WHOLE_LIMIT
    return None if tradable else "price_out_of_range"


def rejected_open(event: Event[OpenTrade], reason: str) -> AnyEvent:
    """Return the TradeRejected of an order."""
    order = event.data
    return event.then(
        TradeRejected(command="OpenTrade", reason=reason, market=order.market, client_ref=order.client_ref)
    )


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
