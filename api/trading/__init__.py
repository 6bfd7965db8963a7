"""Trading in the API: orders, fills and prices in; accounts, positions, trades, prices and the tape out."""

from __future__ import annotations

from typing import Final

from api.kit.commands.admission import WhenDelayed
from api.kit.domain import AcceptedCommand, DomainApi
from api.permissions import OWN, OWNED, PUBLIC
from api.trading import account, candles, commands, history, markets, prices, queries, tape, trades
from api.trading.models import FillBatch, Order, PriceBatch
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, OpenTrade, ReportFill

API: Final = DomainApi(
    title="Trading",
    description="Orders of users, fills of venues and mark prices of services; accounts, positions and trades.",
    routers=(
        commands.router,
        *account.TRADING_ACCOUNT.routers,
        queries.router,
        queries.feeds,
        trades.router,
        trades.feeds,
        history.router,
        history.MY_TRADES.router,
        tape.router,
        prices.router,
        prices.feeds,
        candles.router,
        candles.feeds,
        markets.router,
        markets.feeds,
    ),
    feeds=(
        account.TRADING_ACCOUNT.feed,
        queries.POSITIONS_FEED,
        queries.PORTFOLIO_FEED,
        trades.OPEN_TRADES_FEED,
        history.MY_TRADES.feed,
        tape.TRADES_FEED,
        prices.PRICES_FEED,
        candles.CANDLES_FEED,
        markets.MARKETS_FEED,
    ),
    commands={
        # An order trades at the mark price of the moment when it is processed, which a late one would not have meant.
        OpenTrade: AcceptedCommand(Order, WhenDelayed.REFUSE),
        CloseTrade: AcceptedCommand(None, WhenDelayed.REFUSE),
        # Fills and prices happened outside: they carry their own time, and refusing them would lose them.
        ReportFill: AcceptedCommand(FillBatch, WhenDelayed.ACCEPT),
        PriceUpdated: AcceptedCommand(PriceBatch, WhenDelayed.ACCEPT),
    },
    permissions={
        **account.TRADING_ACCOUNT.permissions,
        **history.MY_TRADES.permissions,
        ("GET", "/v1/users/{user_id}/open-trades"): OWNED,
        ("GET", "/v1/users/{user_id}/trades/{trade_id}"): OWNED,
        ("GET", "/v1/feed/open-trades"): OWN,
        ("GET", "/v1/prices"): PUBLIC,
        ("GET", "/v1/prices/{market}"): PUBLIC,
        ("GET", "/v1/feed/prices"): PUBLIC,
        ("GET", "/v1/markets/{market}/candles"): PUBLIC,
        ("GET", "/v1/markets"): PUBLIC,
        ("GET", "/v1/feed/markets"): PUBLIC,
        ("GET", "/v1/feed/candles"): PUBLIC,
    },
)
