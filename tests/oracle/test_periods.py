from datetime import UTC, date, datetime, timedelta

import pytest

from tests.oracle.periods import ends, periods_of, week


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_an_instant_belongs_to_five_periods_with_the_names_of_decision_0001() -> None:
    assert periods_of(at("2024-09-20T08:36")) == (
        "day:2024-09-20",
        "week:2024-W38",
        "month:2024-09",
        "season:2024-Q3",
        "all",
    )


def test_the_week_at_a_turn_of_the_year_has_its_thursdays_year() -> None:
    assert week(at("2024-12-29T23:59")) == "week:2024-W52"
    assert week(at("2024-12-30T00:00")) == "week:2025-W01"
    assert week(at("2027-01-03T12:00")) == "week:2026-W53"


def test_the_week_is_the_calendars_iso_week_on_every_day_of_forty_years() -> None:
    for offset in range(40 * 366):
        one = date(2000, 1, 1) + timedelta(days=offset)
        year, number, _ = one.isocalendar()
        assert week(datetime(one.year, one.month, one.day, tzinfo=UTC)) == f"week:{year}-W{number:02d}"


@pytest.mark.parametrize(
    ("period", "end"),
    [
        ("day:2024-12-31", "2025-01-01"),
        ("week:2024-W52", "2024-12-30"),
        ("month:2024-12", "2025-01-01"),
        ("season:2024-Q3", "2024-10-01"),
        ("season:2024-Q4", "2025-01-01"),
    ],
)
def test_a_period_ends_where_the_next_one_begins(period: str, end: str) -> None:
    assert ends(period) == at(end)


def test_all_time_never_ends() -> None:
    assert ends("all") is None
