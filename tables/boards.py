"""Leaderboards as data: boards, scopes, periods, and the sort keys of ranked tables. Pure functions.

A row of `gamification-boards` holds a user's standings on one board and scope. Its key is ``board/scope|user``. Its
value is `{group: sort key}`, and a group is ``board/scope/period``. The standing of a sealed period moves to a row of
its own, with the key ``board/scope/period|user``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from streams.events.base import GLOBAL_SCOPE
from streams.times import DAY_US, HOUR_US, Instant, midnight

Board = Literal["xp", "volume", "pnl", "trades"]
MARKET_BOARDS: Final[tuple[Board, ...]] = ("volume", "pnl")
GLOBAL: Final = GLOBAL_SCOPE
ALL_TIME: Final = "all"

SCORE_LIMIT: Final = 10**25
_DIGITS_LIMIT: Final = 2 * SCORE_LIMIT
_SCORE_DIGITS: Final = 26
_TIME_DIGITS: Final = 18
_TIME_LIMIT: Final = 10**_TIME_DIGITS
SORT_KEY_CHARS: Final = _SCORE_DIGITS + _TIME_DIGITS
_MONTHS_A_QUARTER: Final = 3
_MONTHS_A_YEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Period:
    """A span of event time, such as ``week:2024-W38``. `start` is inclusive and `end` exclusive, in microseconds.

    All-time has neither start nor end.
    """

    text: str
    start: int | None
    end: int | None

    def sealed(self, watermark: int, grace_h: int) -> bool:
        """Return whether an event of this period is too late at a watermark (microseconds)."""
        return self.end is not None and watermark >= self.end + grace_h * HOUR_US


def periods_of(instant: Instant) -> tuple[Period, ...]:
    """Return day, ISO week, month, season (calendar quarter) and all-time of an instant, in UTC."""
    return _periods_of_day(instant.day_number())


@lru_cache(maxsize=4096)
def _periods_of_day(day_number: int) -> tuple[Period, ...]:
    day = Instant(day_number * DAY_US).day()
    year, week, _ = day.isocalendar()
    return (
        _day(day),
        _week(year, week),
        _month(day.year, day.month),
        _season(day.year, (day.month - 1) // _MONTHS_A_QUARTER + 1),
        Period(ALL_TIME, None, None),
    )


def parse_period(text: str) -> Period:
    """Read a period's text.

    Raises:
        ValueError: when the text names no period.
    """
    try:
        period = _parse(text)
    except (ValueError, OverflowError):  # `date` raises OverflowError for a year beyond a C integer
        period = None
    if period is None or period.text != text:
        raise ValueError(
            "expected a period like 'day:2024-09-20', 'week:2024-W38', 'month:2024-09', 'season:2024-Q3' or 'all', "
            f"got {text[:40]!r}"
        )
    return period


def _parse(text: str) -> Period | None:
    kind, _, name = text.partition(":")
    year, _, rest = name.partition("-")
    match kind:
        case "all":
            return Period(ALL_TIME, None, None)
        case "day":
            return _day(date.fromisoformat(name))
        case "week":
            return _week(int(year), int(rest.removeprefix("W")))
        case "month":
            return _month(int(year), int(rest))
        case "season":
            return _season(int(year), int(rest.removeprefix("Q")))
    return None


def _day(day: date) -> Period:
    start = midnight(day)
    return Period(f"day:{day.isoformat()}", start, start + DAY_US)


def _week(year: int, week: int) -> Period:
    start = midnight(date.fromisocalendar(year, week, 1))
    return Period(f"week:{year:04d}-W{week:02d}", start, start + 7 * DAY_US)


def _month(year: int, month: int) -> Period:
    return Period(f"month:{year:04d}-{month:02d}", _first_of(year, month), _first_of(year, month + 1))


def _season(year: int, quarter: int) -> Period:
    month = (quarter - 1) * _MONTHS_A_QUARTER + 1
    return Period(f"season:{year:04d}-Q{quarter}", _first_of(year, month), _first_of(year, month + _MONTHS_A_QUARTER))


def _first_of(year: int, month: int) -> int:
    if month == _MONTHS_A_YEAR + 1:
        return midnight(date(year + 1, 1, 1))
    return midnight(date(year, month, 1))


def group(board: Board, scope: str, period: str) -> str:
    """Return the ranking group of a board, such as ``volume/BTC/day:2024-09-20``."""
    return f"{board}/{scope}/{period}"


def row_key(board: Board, scope: str, user_id: str) -> str:
    """Return the key of a user's standings on a board."""
    return f"{board}/{scope}|{user_id}"


def sealed_key(group_name: str, user_id: str) -> str:
    """Return the key of a user's standing in a sealed period."""
    return f"{group_name}|{user_id}"


def keys_of(group_name: str, user_id: str) -> tuple[str, str]:
    """Return the keys of the rows that can hold a user's standing in a group."""
    return f"{group_name.rpartition('/')[0]}|{user_id}", sealed_key(group_name, user_id)


@lru_cache(maxsize=4096)
def period_in(group_name: str) -> Period:
    """Return the period of a group.

    Raises:
        ValueError: when the group has no valid period.
    """
    return parse_period(group_name.rpartition("/")[2])


class Standing(NamedTuple):
    """A score, and the time (microseconds) of the event that led to it."""

    score: int
    reached_at: int

    def sort_key(self) -> str:
        """Return text of fixed width that sorts by score descending, then by `reached_at` ascending.

        Raises:
            ValueError: when the score's magnitude is 10^25 or more, or the time does not fit 18 digits.
        """
        if not -SCORE_LIMIT < self.score < SCORE_LIMIT or not 0 <= self.reached_at < _TIME_LIMIT:
            raise _out_of_range(self.score, self.reached_at)
        return f"{SCORE_LIMIT - self.score:026d}{self.reached_at:018d}"

    @classmethod
    def from_sort_key(cls, text: str) -> Standing:
        """Read a sort key back.

        Raises:
            ValueError: when `text` is no sort key.
        """
        return cls(SCORE_LIMIT - _digits(text), int(text[_SCORE_DIGITS:]))


def raised(standings: Mapping[str, str], groups: Iterable[str], amount: int, at: int) -> dict[str, str]:
    """Return the sort keys of some groups after an amount was added at a time. A new standing begins at 0.

    Raises:
        ValueError: when an existing text is no sort key, or a new standing is out of range.
    """
    if not 0 <= at < _TIME_LIMIT:
        raise _out_of_range(amount, at)
    reached = str(at).zfill(_TIME_DIGITS)
    after = {}
    for name in groups:
        text = standings.get(name)
        digits = SCORE_LIMIT - amount if text is None else _digits(text) - amount
        if not 0 < digits < _DIGITS_LIMIT:
            raise _out_of_range(SCORE_LIMIT - digits, at)
        after[name] = str(digits).zfill(_SCORE_DIGITS) + reached
    return after


def _digits(sort_key: str) -> int:
    if len(sort_key) != SORT_KEY_CHARS or not sort_key.isdecimal():
        raise _no_sort_key(sort_key)
    return int(sort_key[:_SCORE_DIGITS])


def _no_sort_key(text: str) -> ValueError:
    return ValueError(f"expected a sort key of {SORT_KEY_CHARS} digits, got {text[:SORT_KEY_CHARS]!r}")


def _out_of_range(score: int, at: int) -> ValueError:
    return ValueError(f"a standing of {score} at {at} is out of range")
