"""The periods of an instant by name, all in UTC."""

from datetime import UTC, date, datetime, timedelta

ALL = "all"


def periods_of(at: datetime) -> tuple[str, ...]:
    """Return day, ISO week, month, season (calendar quarter) and all-time of an instant."""
    return (day(at), week(at), month(at), season(at), ALL)


def day(at: datetime) -> str:
    return f"day:{at:%Y-%m-%d}"


def week(at: datetime) -> str:
    """Return the ISO week; its year is the year of the week's Thursday, so 2024-12-30 is in 2025-W01."""
    thursday = at.date() + timedelta(days=3 - at.weekday())
    first = date(thursday.year, 1, 1)
    return f"week:{thursday.year}-W{(thursday - first).days // 7 + 1:02d}"


def month(at: datetime) -> str:
    return f"month:{at:%Y-%m}"


def season(at: datetime) -> str:
    return f"season:{at.year}-Q{(at.month + 2) // 3}"


def ends(period: str) -> datetime | None:
    """Return the first instant after a period; `None` for all-time."""
    kind, _, name = period.partition(":")
    match kind:
        case "day":
            return _midnight(date.fromisoformat(name)) + timedelta(days=1)
        case "week":
            return _midnight(date.fromisocalendar(int(name[:4]), int(name[6:]), 1)) + timedelta(days=7)
        case "month":
            return _month_start(int(name[:4]), int(name[5:]) + 1)
        case "season":
            return _month_start(int(name[:4]), int(name[6:]) * 3 + 1)
        case _:
            return None


def _month_start(year: int, one_based_month: int) -> datetime:
    return datetime(year + (one_based_month - 1) // 12, (one_based_month - 1) % 12 + 1, 1, tzinfo=UTC)


def _midnight(of: date) -> datetime:
    return datetime(of.year, of.month, of.day, tzinfo=UTC)
