"""A user's practice account with the limits on orders, as a query and as a feed."""

from __future__ import annotations

from typing import Final

from api.kit.own_rows import OwnRows
from api.kit.projection import Projection
from tables.trading import TRADING_ACCOUNTS, Account

TRADING_ACCOUNT: Final = OwnRows(
    "trading-account",
    TRADING_ACCOUNTS,
    Projection(
        Account,
        "TradingAccount",
        "A user's practice money, and what limits the user's orders.",
        key={"user_id": str},
        describe={
            "balance_usd": "practice money, with the margin of open practice trades",
            "margin_usd": "the margins of open practice trades together",
            "opened_day": "the UTC day of the latest practice trade",
            "opened_count": "trades that were opened on `opened_day`",
            "suspended": "no order is accepted",
            "tier": "the verification tier, as trading knows it",
        },
    ),
    title="Trading account",
    doc="Practice money and the limits of orders: the day's trades, leverage, suspension.",
    absent="the account begins with the rule book's practice balance when an order opens a trade",
)
