"""Leaderboards as data: boards, scopes, periods, and the standings of ranked tables. Pure functions.

A row of `gamification-boards` holds a user's standings in a scope: in all markets, or in one. Its key is ``scope|user``
and its value ``{period/board: [rank score, score, reached_at]}``. The periods are the user's newest day, week, month
and season there, and all time. The standings of an older period are a row of their own. Its key is
``scope/period|user`` and its value ``{board: [rank score, score, reached_at]}``. Either way the user's ranking is
``scope/period/board``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from streams.events.base import GLOBAL_SCOPE
from streams.times import DAY_US, HOUR_US, Instant, midnight
from tables.rank_score import RankScore, rank_score

Ranked: TypeAlias = tuple[RankScore, int | str, int]
"""A standing in a row: rank score, score (text when it exceeds 64 bits) and `reached_at`."""

Board = Literal["xp", "volume", "pnl", "trades", "streak_days"]
BOARDS: Final[tuple[Board, ...]] = get_args(Board)
MARKET_BOARDS: Final[tuple[Board, ...]] = ("volume", "pnl")
GLOBAL: Final = GLOBAL_SCOPE
CONSTELLATIONS: Final = "constellations"
"""The scope of the totals of constellations: its members are constellations. No market has this name."""
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

    @property
    def kind(self) -> str:
        """Return ``day``, ``week``, ``month``, ``season`` or ``all``."""
        return self.text.partition(":")[0]


@dataclass(frozen=True)
class Periods:
    """Periods of one day: all five, or those of them in which an event still counts.

    Attributes:
        midnight: When the day begins, in microseconds.
    """

    midnight: int
    listed: tuple[Period, ...]

    @cached_property
    def names(self) -> dict[Board, tuple[str, ...]]:
        """Return the names that the standings of a board have in a row of these periods."""
        return {board: tuple(f"{period.text}/{board}" for period in self.listed) for board in BOARDS}

    @cached_property
    def all_names(self) -> frozenset[str]:
        """Return the names of all standings."""
        return frozenset(name for names in self.names.values() for name in names)

    def without(self, left_out: Iterable[Period]) -> Periods:
        """Return the periods except for some."""
        left_out = tuple(left_out)
        return Periods(self.midnight, tuple(period for period in self.listed if period not in left_out))


def periods_of(instant: Instant) -> Periods:
    """Return day, ISO week, month, season (calendar quarter) and all-time of an instant, in UTC.

    Instants of one day have the same object, unless thousands of other days were asked for in between.
    """
    return _periods_of_day(instant // DAY_US)


@lru_cache(maxsize=4096)
def _periods_of_day(day_number: int) -> Periods:
    begin = Instant(day_number * DAY_US)
    day = begin.day()
    year, week, _ = day.isocalendar()
    listed = (
        _day(day),
        _week(year, week),
        _month(day.year, day.month),
        _season(day.year, (day.month - 1) // _MONTHS_A_QUARTER + 1),
        Period(ALL_TIME, None, None),
    )
    return Periods(int(begin), listed)


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


ROW_OF_ONE_PERIOD: Final[Mapping[Board, tuple[str]]] = {board: (board,) for board in BOARDS}
"""The name of each board's standing in the row of an older period."""


def group(board: Board, scope: str, period: str) -> str:
    """Return the ranking group of a board, such as ``BTC/day:2024-09-20/volume``."""
    return f"{scope}/{period}/{board}"


def row_key(scope: str, user_id: str) -> str:
    """Return the key of a user's newest standings in a scope."""
    return f"{scope}|{user_id}"


def older_key(scope: str, period: str, user_id: str) -> str:
    """Return the key of a user's standings in an older period."""
    return f"{scope}/{period}|{user_id}"


def group_of(row_name: str, name: str) -> str:
    """Return the ranking group of a standing, from the key of its row without the user, and from its name there."""
    return f"{row_name}/{name}"


def names_of(group_name: str) -> dict[str, str]:
    """Return the names of the rows that can hold a standing of a group, each with the standing's name there."""
    scope, period, board = group_name.split("/")
    return {scope: f"{period}/{board}", f"{scope}/{period}": board}


@lru_cache(maxsize=8192)
def place_of(name: str) -> tuple[Period, str]:
    """Return period and board of a standing's name in a row of the newest standings. Parse each name once.

    Raises:
        ValueError: when the text names no period.
    """
    period, _, board = name.partition("/")
    return parse_period(period), board


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
            raise ValueError(f"a standing of {self.score} at {self.reached_at} is out of range")
        score, at = int(self.score), int(self.reached_at)
        return rank_score(score, at), score if -_INT64_LIMIT < score < _INT64_LIMIT else str(score), at

    @classmethod
    def of(cls, ranked: Ranked) -> Standing:
        """Return the standing that a row holds.

        Raises:
            ValueError: when the score is text that is no integer.
        """
        return cls(int(ranked[1]), ranked[2])
