"""The social rating and the hourly limit as pure functions."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from agents.rulebook import packaged_rulebook
from agents.social.hourly import give_back, take
from agents.social.rating import endorsed, reported
from streams.times import HOUR_US, MINUTE_US

POLICY = packaged_rulebook().social.people.rating
POINT = 1_000_000


def test_an_endorsement_adds_10_divided_by_those_received_before_and_at_most_2() -> None:
    gains = [endorsed(50 * POINT, received, POLICY) - 50 * POINT for received in range(8)]
    assert gains == [2 * POINT] * 6 + [1_666_666, 1_428_571]


def test_no_rating_is_above_100_or_below_0() -> None:
    assert endorsed(99 * POINT, 0, POLICY) == 100 * POINT
    assert endorsed(100 * POINT, 0, POLICY) == 100 * POINT
    assert reported(0, POLICY) == 0


def test_a_report_takes_10_percent_and_at_most_5() -> None:
    assert reported(100 * POINT, POLICY) == 95 * POINT
    assert reported(50 * POINT, POLICY) == 45 * POINT
    assert reported(45 * POINT, POLICY) == 40_500_000
    assert reported(19, POLICY) == 18


@given(st.integers(0, 100 * POINT), st.integers(0, 10**6))
def test_the_rounding_of_a_rating_loses_less_than_a_millionth(rating: int, received: int) -> None:
    exact = min(Fraction(2), Fraction(10, max(1, received)))
    gain = endorsed(rating, received, POLICY) - rating
    assert 0 <= min(exact * POINT, Fraction(100 * POINT - rating)) - gain < 1
    loss = rating - reported(rating, POLICY)
    assert 0 <= min(Fraction(5 * POINT), Fraction(rating, 10)) - loss < 1


@given(st.lists(st.integers(0, 120), max_size=80))
def test_no_hour_holds_more_than_the_limit_whatever_the_order_of_the_commands(minutes: list[int]) -> None:
    times: tuple[int, ...] = ()
    accepted: list[int] = []
    for minute in minutes:
        slot = take(times, minute * MINUTE_US, 10)
        times = slot.times
        if slot.free_at is None:
            accepted.append(minute * MINUTE_US)
    for end in accepted:
        newest = max(minutes) * MINUTE_US
        if newest - HOUR_US <= end:
            assert sum(end - HOUR_US < time <= end for time in accepted) <= 10
    assert len(times) <= 20


@given(st.lists(st.integers(0, 300), min_size=1, max_size=80).map(sorted))
def test_an_interaction_is_refused_only_when_the_hour_is_full_and_free_at_the_time_that_the_refusal_names(
    minutes: list[int],
) -> None:
    times: tuple[int, ...] = ()
    accepted: list[int] = []
    for at in (minute * MINUTE_US for minute in minutes):
        slot = take(times, at, 10)
        in_hour = sum(time > at - HOUR_US for time in accepted)
        assert (slot.free_at is None) == (in_hour < 10)
        if slot.free_at is None:
            accepted.append(at)
        else:
            assert take(slot.times, slot.free_at, 10).free_at is None
            assert take(slot.times, slot.free_at - 1, 10).free_at is not None
        times = slot.times


def test_a_refused_interaction_gives_its_own_place_back() -> None:
    assert give_back((1, 5, 5, 9), 5) == (1, 5, 9)
    assert give_back((1, 9), 5) == (1, 9)
