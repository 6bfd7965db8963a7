"""The candles of a partition. A batch adds up its executions first, and then reads and writes each candle once.

Live and practice trades have a watermark each, so that neither closes nor deletes the windows of the other.
"""

from __future__ import annotations

from typing import Final

from agents.trading.candle_sum import CandleSum
from agents.windows import EventTime, Expiry, WindowRules
from streams.events.trading import Mode, TradeExecuted
from streams.times import Instant
from tables.candles import WATERMARK_KEYS, Candle, merged
from tables.keys import SEPARATOR
from tables.trading import TRADING_CANDLES, TRADING_WATERMARK
from tables.unit_of_work import UnitOfWork
from tables.windows import INTERVALS, Interval, begin_of, window_key

SHORTEST: Final[Interval] = "1m"
"""Windows of all other intervals consist of whole windows of this one."""


class Candles:
    """Counts executions in the windows that are open to them."""

    def __init__(self, tables: UnitOfWork, grace_h: int, rules: WindowRules) -> None:
        self.rows = tables.rows(TRADING_CANDLES)
        self.marks = tables.rows(TRADING_WATERMARK)
        self._times = {mode: EventTime(self.marks, grace_h, key) for mode, key in WATERMARK_KEYS.items()}
        self._expiries = {
            mode: Expiry(self.rows, time, INTERVALS, rules, f"{SEPARATOR}{mode}") for mode, time in self._times.items()
        }
        tables.join(self)
        self._sums: dict[tuple[str, Mode, int, tuple[Interval, ...]], CandleSum] = {}
        """By market, mode, minute and open intervals: the executions that are not yet in a row."""
        self._holding = False

    def add(self, executed: TradeExecuted, time: Instant) -> None:
        """Move the watermark of its mode on to an execution, and count it."""
        open_intervals = self._times[executed.mode].admit(time, INTERVALS)
        if open_intervals:
            place = executed.market, executed.mode, begin_of(time, SHORTEST), open_intervals
            sums = self._sums.get(place)
            if sums is None:
                self._sums[place] = CandleSum(executed, time)
            else:
                sums.add(executed, time)
        if not self._holding:
            self.write()

    def highest(self, mode: Mode) -> int:
        """Return the watermark of a mode, in microseconds, with the executions that are not yet written."""
        return self._times[mode].highest

    def begin(self) -> None:
        """Start to add up executions in memory."""
        self._holding = True

    def write(self) -> None:
        """Write the candles, and delete old ones."""
        modes = {mode for _, mode, _, _ in self._sums}
        settled = {mode: self._times[mode].settled for mode in modes}
        for time in self._times.values():
            time.settle()
        kept_from = {mode: self._expiries[mode].kept_from() for mode in modes}
        changed: dict[str, Candle] = {}
        for (market, mode, minute, intervals), added in self._sums.items():
            candle = added.row()
            for interval in intervals:
                begin = begin_of(minute, interval)
                if begin < kept_from[mode].get(interval, 0):
                    continue  # a later execution of the batch has made it an old window: it would be deleted below
                key = window_key(interval, begin, market, mode)
                sums = changed.get(key)
                if sums is None and not begin > settled[mode] > 0:
                    sums = self.rows.get(key)
                changed[key] = candle if sums is None else merged(sums, candle)
        for key, candle in changed.items():
            self.rows.put(key, candle)
        for mode in sorted(modes):
            self._expiries[mode].act()
        self.drop()

    def drop(self) -> None:
        """Drop the executions that were added up."""
        self._sums = {}
        for time in self._times.values():
            time.forget()
        self._holding = False
