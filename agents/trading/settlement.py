"""End a practice trade by its owner's CloseTrade or by liquidation: book the pnl once and free the margin."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from agents.trading import prices
from agents.trading.accounts import realised, with_account
from agents.trading.orders import Books
from agents.trading.positions import Fill, moved
from streams.events import AnyEvent, Event
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, TradeClosed, TradeLiquidated
from streams.units import Quantity, Usd
from tables.trading import Trade


class Settled(NamedTuple):
    """The state after a trade ended."""

    books: Books
    trade: Trade


def settle(books: Books, trade: Trade, exit_price: Quantity, at: int, *, liquidated: bool) -> Settled:
    """End an open practice trade at a price. The loss never exceeds the margin."""
    gain = max(prices.pnl(trade.side, trade.notional, trade.entry_price, exit_price), -trade.margin)
    before = books.account
    account = replace(before, balance=before.balance + gain, margin=before.margin - trade.margin)
    ended = replace(
        trade, status="liquidated" if liquidated else "closed", pnl=gain, exit_price=exit_price, updated_at=at
    )
    portfolio = with_account(realised(books.portfolio, gain, at), account)
    position = moved(books.position, _closing_fill(trade, exit_price, gain, at))
    return Settled(Books(account, portfolio, position), ended)


def _closing_fill(trade: Trade, exit_price: Quantity, gain: int, at: int) -> Fill:
    return Fill(
        market=trade.market,
        mode=trade.mode,
        quantity=-trade.size if trade.side == "long" else trade.size,
        price=exit_price,
        notional=prices.value_of(trade.size, exit_price),
        pnl=gain,
        at=at,
    )


def close_trade(
    books: Books, trade: Trade, price: Quantity, event: Event[CloseTrade]
) -> tuple[Settled, list[AnyEvent]]:
    """Close a trade for its owner."""
    trade_id = event.data.trade_id
    settled = settle(books, trade, price, event.time, liquidated=False)
    closed = TradeClosed(
        trade_id=trade_id,
        market=trade.market,
        side=trade.side,
        mode=trade.mode,
        notional_usd=Usd(trade.notional),
        entry_price=trade.entry_price,
        exit_price=price,
        pnl_usd=Usd(settled.trade.pnl),
        profitable=settled.trade.pnl > 0,
    )
    return settled, [event.then(closed, subject=trade_id)]


def liquidate(
    books: Books, trade: Trade, event: Event[PriceUpdated], *, user_id: str, trade_id: str
) -> tuple[Settled, list[AnyEvent]]:
    """Close a user's trade because the mark price has passed its liquidation price."""
    price = event.data.price
    settled = settle(books, trade, price, event.time, liquidated=True)
    liquidated = TradeLiquidated(
        trade_id=trade_id,
        market=trade.market,
        side=trade.side,
        mode=trade.mode,
        notional_usd=Usd(trade.notional),
        entry_price=trade.entry_price,
        exit_price=price,
        pnl_usd=Usd(settled.trade.pnl),
        liquidation_price=trade.liquidation_price or price,
        margin_usd=Usd(trade.margin),
    )
    return settled, [event.then(liquidated, subject=trade_id, name=trade_id, key=user_id)]
