"""The rows of trading, and what orders and fills do to them alike (domain.md §3)."""

from __future__ import annotations

from typing import Any, Final

from tests.community.oracle.amounts import usd
from tests.community.oracle.crossing import Causes, Domains, Execution, Settlement
from tests.community.oracle.leaving import Ages
from tests.community.oracle.tables import Table
from tests.community.oracle.trading_rules import Change, moved

START_USD: Final = "10000.00"
FIRST_LEVERAGE: Final = 10
TIERS: Final = ("unverified", "email", "phone", "identity", "premium")
PRACTICE: Final = "practice"

Row = dict[str, Any]


class Books:
    """Accounts, trades, positions and portfolios of all users, and the mark prices."""

    def __init__(self, community: Domains) -> None:
        self.community = community
        self.ages = Ages(community.partitions, community.kept_days)
        self.accounts = Table("trading-accounts")
        self.trades = Table("trading-trades")
        self.open = Table("trading-open")
        self.owned = Table("trading-owned")
        self.positions = Table("trading-positions")
        self.portfolios = Table("trading-portfolio")
        self.marks = Table("trading-marks")
        self.tables = (self.accounts, self.trades, self.open, self.owned, self.positions, self.portfolios, self.marks)

    def account(self, user: str) -> Row:
        """Return a user's practice account; at first the start balance."""
        return self.accounts.get(user) or {
            "balance": usd(START_USD),
            "margin": 0,
            "opened_day": 0,
            "opened_count": 0,
            "max_leverage": FIRST_LEVERAGE,
            "suspended": False,
            "tier": TIERS[0],
        }

    def change_account(self, user: str, causes: Causes, **fields: Any) -> None:
        """Change some fields of a practice account."""
        self.accounts.put(user, {**self.account(user), **fields}, causes)

    def move(self, user: str, market: str, mode: str, change: Change, causes: Causes) -> None:
        """Change a position."""
        key = f"{user}|{market}" if mode == "live" else f"{user}|{market}|{mode}"
        self.positions.put(key, moved(self.positions.get(key), change), causes)

    def count(self, user: str, mode: str, at: int, causes: Causes, added: dict[str, int]) -> None:
        """Add to the sums of a portfolio, which shows the practice account's money, too."""
        zeros = dict.fromkeys(("fills", "trades", "closes", "volume", "realised_pnl", "fees"), 0)
        before = self.portfolios.get(user) or {"live": zeros, "practice": zeros, "updated_at": 0}
        sums = {name: value + added.get(name, 0) for name, value in before[mode].items()}
        account = self.account(user)
        after = {
            **before,
            mode: sums,
            "practice_balance": account["balance"],
            "practice_margin": account["margin"],
            "updated_at": max(before["updated_at"], at),
        }
        self.portfolios.put(user, after, causes)

    def trade(self, user: str, trade_id: str) -> Row | None:
        """Return a trade that is not past, or None."""
        return None if self.is_past(user, trade_id) else self.trades.get(f"{user}|{trade_id}")

    def is_past(self, user: str, trade_id: str) -> bool:
        """Return whether a trade has been over for so long that its row may have left."""
        key = f"{user}|{trade_id}"
        row = self.trades.get(key)
        return row is not None and self.ages.is_past(user, row["mode"], key, is_open=row["status"] == "open")

    def executed(self, execution: Execution) -> None:
        """Tell the other domains of an execution."""
        self.ages.executed(execution.user, execution.mode, execution.at)
        self.community.financial.traded(execution)
        self.community.social.traded(execution)
        self.community.gamification.traded(execution)

    def ended(self, settlement: Settlement) -> None:
        """Tell the other domains that a practice trade ended."""
        self.community.social.settled(settlement)
        self.community.gamification.settled(settlement)
