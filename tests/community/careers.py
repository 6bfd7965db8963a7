"""Careers as facts: what random facts do not reach. Long streaks, every level, prestige, mastery, and 105 ranks."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from tests.community.journal import TICK, Entry
from tests.community.oracle.times import DAY, HOUR, at

BEGIN: Final = at("2026-01-05T00:00:00Z")
DAYS: Final = 112
CROWD: Final = 105
TRADES_A_DAY: Final = {"ada": 10, "bob": 3, "cyd": 2}
WINS: Final = {"ada": 0.82, "bob": 0.63, "cyd": 0.71}
USD_MOST: Final = 3_000_000


class Careers:
    """Three users trade every day, with few pauses, and claim what they are granted. A crowd deposits once a season."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.entries: list[Entry] = []

    def all(self) -> list[Entry]:
        """Return the entries."""
        for day in range(DAYS):
            begin = BEGIN + day * DAY
            if day % 7 == 1:
                self._add(TICK, "", {}, begin + HOUR)
            if day % 40 == 0:
                self._crowd(begin + 2 * HOUR)
            for user, trades in TRADES_A_DAY.items():
                if user == "ada" or self.random.random() < 0.97:
                    self._trade(user, trades, begin + 3 * HOUR, USD_MOST * day**2 // DAYS**2 if user == "ada" else 900)
            if day % 7 == 2:
                self._after_a_week(begin + 20 * HOUR)
        return self.entries

    def _add(self, name: str, user: str, data: dict[str, Any], time: int) -> None:
        number = len(self.entries)
        event_id = f"{number:08x}-0000-7000-8000-000000000000"
        self.entries.append(Entry(number=number, at=time, name=name, user=user, id=event_id, data=data))

    def _crowd(self, time: int) -> None:
        for number in range(CROWD):
            amount = str(1_000 + 10 * self.random.randint(0, 60))
            data = {"asset": "USD", "amount": amount, "provider": "bank", "reference": f"{number}-{time}"}
            self._add("FundsDeposited", f"user-{number}", data, time + number)

    def _trade(self, user: str, trades: int, time: int, most: int) -> None:
        for number in range(trades):
            wins = self.random.random() < WINS[user]
            data = {
                "trade_id": f"{time}-{number}", "fill_id": f"{time}-{number}", "venue": "venue", "mode": "live",
                "market": "BTC", "side": "buy", "price": "1", "size": "1", "fee_usd": "0", "closes": True,
                "notional_usd": str(1 + self.random.randint(0, most)), "closed_pnl_usd": "1" if wins else "-1",
            }  # fmt: skip
            self._add("TradeExecuted", user, data, time + number)

    def _after_a_week(self, time: int) -> None:
        """Let each user win a battle, and claim what the last weeks and the season granted."""
        for user in TRADES_A_DAY:
            won = {"battle_id": "b", "constellation_id": "c-1", "won": user != "bob", "prize_ss": 2_500}
            self._add("BattleFought", user, won, time)
            week = (time - BEGIN) // (7 * DAY) + 1
            self._add("ClaimReward", user, {"reward_id": f"global:xp:week:2026-W{week:02d}"}, time)
            if week > 12:
                self._add("ClaimReward", user, {"reward_id": "global:xp:season:2026-Q1"}, time)
