"""Value models of the tables, by domain. May depend on `streams` only."""

from tables.rows.base import Amount, Micros, Row
from tables.rows.financial import FeeTotal
from tables.rows.gamification import Progress, Streak, TradeTally, Unlocked, Watermark
from tables.rows.trading import Account, Exposure, Mark, Portfolio, Position, Totals, Trade

__all__ = [
    "Account",
    "Amount",
    "Exposure",
    "FeeTotal",
    "Mark",
    "Micros",
    "Portfolio",
    "Position",
    "Progress",
    "Row",
    "Streak",
    "Totals",
    "Trade",
    "TradeTally",
    "Unlocked",
    "Watermark",
]
