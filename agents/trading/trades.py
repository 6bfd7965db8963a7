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
        tables.join(self)
        self._seen: dict[Mode, int] = {}
        """The watermark of each mode with the executions so far, whose candles come later in the batch."""
        self._sweep = Sweep(self._rows, candles.marks, "trades", kept_days, self._is_old)

    def get(self, user_id: str, trade_id: str) -> Trade | None:
        """Return a trade that is not past, or None."""
        trade = self._rows.get(trade_key(user_id, trade_id))
        return None if trade is None or self._is_past(trade) else trade

    def put(self, user_id: str, trade_id: str, trade: Trade, at: Instant) -> None:
        """Write a trade that an event at a time has changed."""
        self.put_dated(user_id, trade_id, replace(trade, changed_on=self.day(trade.mode, at)))

    def put_dated(self, user_id: str, trade_id: str, trade: Trade) -> None:
        """Write a trade whose `changed_on` is the `day` of its change."""
        self._rows.put(trade_key(user_id, trade_id), trade)

    def day(self, mode: Mode, at: Instant) -> int:
        """Return the day of the partition's event time on which an event at a time comes; 0 while rows do not leave."""
        return max(self._highest(mode), at) // DAY_US if self._kept_days else 0

    def sweep(self) -> None:
        """Let old trades leave, in step with new ones."""
        self._sweep.step(max(self._highest("live"), self._highest("practice")), LOOKS)

    def executed(self, mode: Mode, at: Instant) -> None:
        """Note an execution of this partition."""
        if at > self._highest(mode):
            self._seen[mode] = int(at)

    def begin(self) -> None:
        """Begin with what the partition of the batch has seen."""
        self._seen = {}

    def write(self) -> None:
        """Forget it; the candles keep it."""
        self._seen = {}

    drop = write

    def _highest(self, mode: Mode) -> int:
        found = self._seen.get(mode)
        if found is None:
            found = self._seen[mode] = self._candles.highest(mode)
        return found

    def _is_past(self, trade: Trade) -> bool:
        is_over = trade.mode == "live" or trade.status != "open"
        return is_over and is_past(trade.changed_on, self._highest(trade.mode) // DAY_US, self._kept_days)

    def _is_old(self, _key: str, trade: Trade, _state: Leaving) -> bool:
        return self._is_past(trade)
