"""Event times in microseconds since 1970, and the periods that they lie in, all in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from tests.oracle.periods import ends
from tests.oracle.periods import periods_of as names_of

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def at(text: str) -> int:
    """Return the microseconds of an RFC 3339 instant such as `2026-01-05T12:00:00Z`."""
    return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND


def day_of(time: int) -> int:
    """Return the day of an instant, in days since 1970."""
    return time // DAY


def periods_of(time: int) -> tuple[str, ...]:
    """Return the names of day, week, month, season and all-time of an instant."""
    return _periods_of_day(day_of(time))


@lru_cache(maxsize=4096)
def _periods_of_day(day: int) -> tuple[str, ...]:
    return names_of(_EPOCH + timedelta(days=day))


@lru_cache(maxsize=4096)
def end_of(period: str) -> int | None:
    """Return the first instant after a period; None for all-time."""
    end = ends(period)
    return None if end is None else (end - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=4096)
def start_of(period: str) -> int | None:
    """Return the first instant of a period; None for all-time."""
    kind, _, name = period.partition(":")
    year, _, rest = name.partition("-")
    match kind:
        case "day":
            start = date.fromisoformat(name)
        case "week":
            start = date.fromisocalendar(int(year), int(rest.removeprefix("W")), 1)
        case "month":
            start = date(int(year), int(rest), 1)
        case "season":
            start = date(int(year), 3 * int(rest.removeprefix("Q")) - 2, 1)
        case _:
            return None
    return (start - _EPOCH.date()).days * DAY


def kind_of(period: str) -> str:
    """Return `day`, `week`, `month`, `season` or `all`."""
    return period.partition(":")[0]
