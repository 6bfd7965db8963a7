"""The trades of a partition's users, and how old ones leave.

A trade is past when its row has not changed for the days that the rule book keeps rows: `kept_days` of the event time
of its mode, as the partition has seen it. A fill of a trade that is past begins a new trade. Open practice trades stay.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from agents.leaving import Sweep, is_past
from agents.trading.candles import Candles
from streams.events.trading import Mode
from streams.times import DAY_US, Instant
from tables.keys import trade_key
from tables.trading import TRADING_TRADES, Trade
from tables.unit_of_work import UnitOfWork
from tables.watermark import Leaving

LOOKS: Final = 32
"""Rows at which the sweep looks for each new trade, while a pass is under way."""


class Trades:
    """Reads and writes trades."""

    def __init__(self, tables: UnitOfWork, candles: Candles, kept_days: int) -> None:
        self._rows = tables.rows(TRADING_TRADES)
        self._candles = candles
        self._kept_days = kept_days
        self._sweep = Sweep(self._rows, candles.marks, "trades", kept_days, self._is_old)

    def get(self, user_id: str, trade_id: str) -> Trade | None:
        """Return a trade that is not past, or None."""
        trade = self._rows.get(trade_key(user_id, trade_id))
        return None if trade is None or self._is_past(trade, self._today(trade.mode)) else trade

    def put(self, user_id: str, trade_id: str, trade: Trade, at: Instant) -> None:
        """Write a trade that an event at a time has changed."""
        day = max(self._today(trade.mode), at.day_number()) if self._kept_days else 0
        self._rows.put(trade_key(user_id, trade_id), replace(trade, changed_on=day))

    def sweep(self) -> None:
        """Let old trades leave, in step with new ones."""
        self._sweep.step(max(self._candles.highest("live"), self._candles.highest("practice")), LOOKS)

    def _today(self, mode: Mode) -> int:
        return self._candles.highest(mode) // DAY_US

    def _is_past(self, trade: Trade, today: int) -> bool:
        is_over = trade.mode == "live" or trade.status != "open"
        return is_over and is_past(trade.changed_on, today, self._kept_days)

    def _is_old(self, _key: str, trade: Trade, _state: Leaving) -> bool:
        return self._is_past(trade, self._today(trade.mode))
