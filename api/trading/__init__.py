"""Trading in the API: orders, fills and prices in; positions, portfolios, executions and the tape of fills out."""

from __future__ import annotations

from typing import Final

from api.kit.commands.admission import WhenDelayed
from api.kit.domain import AcceptedCommand, DomainApi
from api.trading import commands, history, queries, tape
from api.trading.models import FillBatch, Order, PriceBatch
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, OpenTrade, ReportFill

API: Final = DomainApi(
    title="Trading",
    description="Orders of users, fills of venues and mark prices of services; positions, portfolios and trades.",
    routers=(commands.router, queries.router, queries.feeds, history.router, history.feeds, tape.router),
    feeds=(queries.POSITIONS_FEED, queries.PORTFOLIO_FEED, history.MY_TRADES_FEED, tape.TRADES_FEED),
    commands={
        # An order trades at the mark price of the moment when it is processed, which a late one would not have meant.
        OpenTrade: AcceptedCommand(Order, WhenDelayed.REFUSE),
        CloseTrade: AcceptedCommand(None, WhenDelayed.REFUSE),
        # Fills and prices happened outside: they carry their own time, and refusing them would lose them.
        ReportFill: AcceptedCommand(FillBatch, WhenDelayed.ACCEPT),
        PriceUpdated: AcceptedCommand(PriceBatch, WhenDelayed.ACCEPT),
    },
)
