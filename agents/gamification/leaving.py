"""Which rows of gamification leave when they are old: standings of ended periods, days of users, tallies of trades."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from agents.leaving import Sweep, is_past
from streams.times import DAY_US, midnight
from tables.boards import Ranked, parse_period
from tables.gamification import GAMIFICATION_TRADES, TradeTally, UserDay
from tables.keys import SEPARATOR
from tables.typed import RankedTable, TypedTable
from tables.unit_of_work import UnitOfWork
from tables.watermark import Leaving, Watermark

LOOKS_A_TICK: Final = 500
"""Rows of each table at which a tick looks, while a pass is under way."""


class Tallies:
    """Tallies of trades. One is past when it has not changed for the days that the rule book keeps rows."""

    def __init__(self, tables: UnitOfWork, kept_days: int) -> None:
        self.rows = tables.rows(GAMIFICATION_TRADES)
        self._kept_days = kept_days

    def get(self, key: str, today: int) -> TradeTally | None:
        """Return the tally of a trade, or None when there is none, or when it is past on a day."""
        tally = self.rows.get(key)
        return None if tally is None or is_past(tally.changed_on, today, self._kept_days) else tally

    def put(self, key: str, tally: TradeTally, today: int) -> None:
        """Write a tally that changed on a day of the partition's event time."""
        self.rows.put(key, replace(tally, changed_on=today) if self._kept_days else tally)

    @staticmethod
    def is_old(_key: str, tally: TradeTally, state: Leaving) -> bool:
        """Return whether a tally is past. `state.to` is the kept days before the watermark, so no event counts it."""
        return is_past(tally.changed_on, state.to // DAY_US, 0)


def sweeps(
    marks: TypedTable[Watermark],
    boards: RankedTable,
    days: TypedTable[UserDay],
    trades: Tallies,
    kept_days: int,
) -> tuple[Sweep, ...]:
    """Return the sweeps of the domain's tables."""
    return (
        Sweep(boards, marks, "boards", kept_days, _is_old_standing),
        Sweep(days, marks, "days", kept_days, _is_old_day),
        Sweep(trades.rows, marks, "trades", kept_days, trades.is_old),
    )


def _is_old_standing(key: str, _row: dict[str, Ranked], state: Leaving) -> bool:
    """Return whether a row has the standings of a period that has ended so long ago."""
    _, slash, period = key.rpartition(SEPARATOR)[0].partition("/")
    return bool(slash) and state.lacks(_end_of_period(period))


def _is_old_day(key: str, _row: UserDay, state: Leaving) -> bool:
    return state.lacks(_end_of_day(key.rpartition(SEPARATOR)[2]))


@lru_cache(maxsize=8192)
def _end_of_period(text: str) -> int:
    return parse_period(text).end or 0


@lru_cache(maxsize=8192)
def _end_of_day(text: str) -> int:
    return midnight(date.fromisoformat(text)) + DAY_US
