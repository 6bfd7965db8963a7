"""Trading in the API: orders, fills and prices in; positions, portfolios and the tape of fills out."""

from __future__ import annotations

from typing import Final

from api.kit.domain import DomainApi
from api.trading import commands, queries, tape
from api.trading.models import FillBatch, Order, PriceBatch
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, OpenTrade, ReportFill

API: Final = DomainApi(
    routers=(commands.router, queries.router, queries.feeds, tape.router),
    feeds=(queries.POSITIONS_FEED, queries.PORTFOLIO_FEED, tape.TRADES_FEED),
    commands={OpenTrade: Order, CloseTrade: None, ReportFill: FillBatch, PriceUpdated: PriceBatch},
)
