"""The rules of the price oracle, as the reference has them, keep the promise of the page. No node is needed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.chain.lending import DOLLAR
from tests.chain.reference_lending import OracleModel, Refused

REPORTS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, 29, 30, 59, 60, 120]),
        st.sampled_from([0, 1, 30, 59, 60]),
        st.one_of(st.sampled_from([90, 110]), st.integers(50, 200)),
    ),
    max_size=30,
)
"""Seconds since the report before, the age of the observation, and percent of the last report."""


@given(st.integers(0, 59), REPORTS)
def test_a_price_moves_by_10_percent_in_60_seconds_or_was_held_back_for_as_long(
    began: int, reports: list[tuple[int, int, int]]
) -> None:
    """A feeder reports what it likes, without and with a false time of observation."""
    now = 10**9 + began
    oracle = OracleModel(DOLLAR, now)
    last, ended, held_at = DOLLAR, list[tuple[int, int]](), 0
    for waited, age, percent in reports:
        now += waited
        last = max(10**6, last * percent // 100)
        before = oracle.price
        try:
            event = oracle.report(now, last, now - age)
        except Refused:
            continue
        if event == "PriceHeld":
            held_at = now
        elif event == "PriceUpdated":
            ended.append((now, before))
            in_force = [price for until, price in ended if until > now - 60]
            if any(abs(last - price) * 10 > price for price in in_force):
                assert held_at, "nobody was told"
                assert now - held_at >= 60
                ended.clear()
            held_at = 0
