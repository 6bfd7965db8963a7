"""Leaderboards as data: boards, scopes, periods, and the standings of ranked tables. Pure functions.

A row of `gamification-boards` holds a user's standings on one board and scope. Its key is ``board/scope|user``. Its
value is ``{period: [rank score, score, reached_at]}``, and the user is ranked in the group ``board/scope/period``. The
standing of a sealed period moves to a row of its own, with the key ``board/scope/period|user`` and an empty period.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

from streams.events.base import GLOBAL_SCOPE
from streams.times import DAY_US, HOUR_US, Instant, midnight
from tables.rank_score import RankScore, rank_score

Ranked: TypeAlias = tuple[RankScore, int | str, int]
"""A standing in a row: rank score, score (text when it exceeds 64 bits) and `reached_at`."""

SEALED: Final = ""
"""The period in the row of a sealed standing, whose key names the period."""

Board = Literal["xp", "volume", "pnl", "trades"]
MARKET_BOARDS: Final[tuple[Board, ...]] = ("volume", "pnl")
GLOBAL: Final = GLOBAL_SCOPE
ALL_TIME: Final = "all"

SCORE_LIMIT: Final = 10**25
_TIME_LIMIT: Final = 10**18
_INT64_LIMIT: Final = 2**63
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


def group_of(row_name: str, period: str) -> str:
    """Return the ranking group of a standing, from the key of its row without the user, and from its period there."""
    return f"{row_name}/{period}" if period else row_name


def names_of(group_name: str) -> dict[str, str]:
    """Return the names of the rows that can hold a standing of a group, each with the period that it has there."""
    name, _, period = group_name.rpartition("/")
    return {name: period, group_name: SEALED}


@lru_cache(maxsize=4096)
def period_named(text: str) -> Period:
    """Return the period of a text; parse each text once.

    Raises:
        ValueError: when the text names no period.
    """
    return parse_period(text)


class Standing(NamedTuple):
    """A score, and the time (microseconds) of the event that led to it."""

    score: int
    reached_at: int

    def order(self, user_id: str) -> tuple[int, int, str]:
        """Return the sort key of a user: score descending, then `reached_at` ascending, then the user's id."""
        return -self.score, self.reached_at, user_id

    @property
    def ranked(self) -> Ranked:
        """Return the standing as a row holds it.

        Raises:
            ValueError: when the score's magnitude is 10^25 or more, or the time does not fit 18 digits.
        """
        if not -SCORE_LIMIT < self.score < SCORE_LIMIT or not 0 <= self.reached_at < _TIME_LIMIT:
            raise _out_of_range(self.score, self.reached_at)
        return _ranked(int(self.score), int(self.reached_at))

    @classmethod
    def of(cls, ranked: Ranked) -> Standing:
        """Return the standing that a row holds.

        Raises:
            ValueError: when the score is text that is no integer.
        """
        return cls(int(ranked[1]), ranked[2])


def _ranked(score: int, at: int) -> Ranked:
    return rank_score(score, at), score if -_INT64_LIMIT < score < _INT64_LIMIT else str(score), at


def raised(standings: Mapping[str, Ranked], periods: Iterable[str], amount: int, at: int) -> dict[str, Ranked]:
    """Return the standings of some periods after an amount was added at a time. A new standing begins at 0.

    Raises:
        ValueError: when a new standing is out of range.
    """
    if not 0 <= at < _TIME_LIMIT:
        raise _out_of_range(amount, at)
    amount, at = int(amount), int(at)
    after = {}
    for period in periods:
        held = standings.get(period)
        score = amount if held is None else amount + int(held[1])
        if not -SCORE_LIMIT < score < SCORE_LIMIT:
            raise _out_of_range(score, at)
        after[period] = _ranked(score, at)
    return after


def _out_of_range(score: int, at: int) -> ValueError:
    return ValueError(f"a standing of {score} at {at} is out of range")
