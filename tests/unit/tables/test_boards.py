"""Boards: periods of an instant, and standings with rank scores that never contradict the exact order."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.times import HOUR_US, Instant
from tables.boards import (
    BOARDS,
    ROW_OF_ONE_PERIOD,
    Standing,
    group,
    group_of,
    names_of,
    older_key,
    parse_period,
    periods_of,
    row_key,
)
from tables.rank_score import rank_score
from tables.typed import RankedTable, standings

LIMIT = 10**25
SCORES = st.one_of(st.integers(-LIMIT + 1, LIMIT - 1), st.integers(-5, 5))
TIMES = st.one_of(st.integers(0, 32_503_679_999_999_999), st.integers(0, 5))
USERS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,5}", fullmatch=True)
INSTANTS = st.integers(0, 32_503_679_999_999_999).map(Instant)


def names(text: Any) -> Any:
    return [period.text for period in periods_of(Instant.parse(text)).listed]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-09-20T23:59:59.999999Z", ["day:2024-09-20", "week:2024-W38", "month:2024-09", "season:2024-Q3", "all"]),
        ("2024-12-30T00:00:00Z", ["day:2024-12-30", "week:2025-W01", "month:2024-12", "season:2024-Q4", "all"]),
        ("2021-01-03T00:00:00Z", ["day:2021-01-03", "week:2020-W53", "month:2021-01", "season:2021-Q1", "all"]),
        ("2024-03-31T23:00:00Z", ["day:2024-03-31", "week:2024-W13", "month:2024-03", "season:2024-Q1", "all"]),
        ("2024-04-01T00:00:00Z", ["day:2024-04-01", "week:2024-W14", "month:2024-04", "season:2024-Q2", "all"]),
    ],
)
def test_periods_are_utc_with_iso_weeks_and_calendar_quarters(text: Any, expected: Any) -> None:
    assert names(text) == expected


@given(
    st.sampled_from(["day:{}-01-01", "week:{}-W01", "month:{}-01", "season:{}-Q1", "season:2024-Q{}", "month:2024-{}"]),
    st.integers(min_value=0).map(str) | st.integers(10**4, 10**30).map(str) | st.text("0123456789+-_ ", max_size=40),
)
def test_a_year_or_number_out_of_range_names_no_period(pattern: str, number: str) -> None:
    text = pattern.format(number)
    try:
        period = parse_period(text)
    except ValueError:
        return
    assert period.text == text
    assert period.start is not None


@given(INSTANTS)
def test_every_period_holds_its_instant_and_is_read_back(instant: Any) -> None:
    for period in periods_of(instant).listed:
        assert parse_period(period.text) == period
        if period.start is not None and period.end is not None:
            assert period.start <= instant < period.end


@given(INSTANTS)
def test_periods_follow_each_other_without_gap(instant: Any) -> None:
    for period in periods_of(instant).listed[:-1]:
        following = {other.kind: other for other in periods_of(Instant(period.end or 0)).listed}[period.kind]
        assert following.start == period.end


@pytest.mark.parametrize(
    "text",
    [
        *("", "day", "day:", "day:2024-02-30", "day:20240920", "week:2021-W53", "week:2024-W1", "week:2024-38"),
        *("month:2024-13", "month:2024-9", "season:2024-Q0", "season:2024-Q5", "all:", "year:2024", "day:2024-09-20 "),
        *("month:0000-01", "season:9999-Q4", "month:9999-12", "week:-1-W01", "all:time"),
    ],
)
def test_text_that_names_no_period_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="expected a period"):
        parse_period(text)


def test_a_period_is_sealed_24_hours_after_its_end() -> None:
    day = parse_period("day:2024-09-20")
    end = Instant.parse("2024-09-21T00:00:00Z")
    assert not day.sealed(end + 24 * HOUR_US - 1, 24)
    assert day.sealed(end + 24 * HOUR_US, 24)
    assert not parse_period("all").sealed(10**17, 24)


@given(st.lists(st.tuples(SCORES, TIMES, USERS), min_size=2, max_size=8))
def test_rank_scores_never_contradict_the_exact_order(rows: Any) -> None:
    exact = sorted(rows, key=lambda row: (-row[0], row[1], row[2].encode()))
    assert exact == sorted(rows, key=lambda row: Standing(row[0], row[1]).order(row[2]))
    scores = [rank_score(score, at) for score, at, _ in exact]
    assert scores == sorted(scores)


@pytest.mark.parametrize(("score", "later_us"), [(0, 2), (1_000, 1_100), (-1_000, 1_100), (10**6, 1_100_000)])
def test_a_rank_score_tells_times_apart_the_better_the_smaller_the_score(score: int, later_us: int) -> None:
    at = Instant.parse("2025-01-01T00:00:00Z")
    assert rank_score(score, at) < rank_score(score, at + later_us)
    assert rank_score(score + 1, at + 10**15) < rank_score(score, at)


@given(SCORES, TIMES)
def test_a_standing_is_read_back_exactly_from_a_row(score: Any, reached_at: Any) -> None:
    rows: dict[bytes, bytes] = {}
    RankedTable(rows).put("global|ada", {"all/xp": Standing(score, reached_at).ranked})
    [raw] = rows.values()
    assert Standing.of(standings(raw)["all/xp"]) == (score, reached_at)


@pytest.mark.parametrize(("score", "at"), [(LIMIT, 0), (-LIMIT, 0), (0, -1), (0, 10**18)])
def test_a_standing_out_of_range_is_refused(score: Any, at: Any) -> None:
    with pytest.raises(ValueError, match="out of range"):
        _ = Standing(score, at).ranked


@pytest.mark.parametrize("raw", [b"", b"{}", b"\x81\xa3all\x91\x01", b"\x81\xa3all\x93\x01\x01\x01\x00"])
def test_bytes_that_are_no_standings_are_refused(raw: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        standings(raw)


def test_a_standing_is_in_the_users_newest_row_of_the_scope_or_in_that_of_its_period() -> None:
    day = group("volume", "@107", "day:2024-09-20")
    assert day == "@107/day:2024-09-20/volume"
    assert row_key("@107", "ada") == "@107|ada"
    assert older_key("@107", "day:2024-09-20", "ada") == "@107/day:2024-09-20|ada"
    assert names_of(day) == {"@107": "day:2024-09-20/volume", "@107/day:2024-09-20": "volume"}
    assert {group_of(row, name) for row, name in names_of(day).items()} == {day}
    periods = periods_of(Instant.parse("2024-09-20T00:00:00Z"))
    assert periods.names["volume"][0] == "day:2024-09-20/volume"
    assert periods.all_names == {name for board in BOARDS for name in periods.names[board]}
    assert ROW_OF_ONE_PERIOD["volume"] == ("volume",)
