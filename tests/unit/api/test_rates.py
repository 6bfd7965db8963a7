"""Rates are means of the last seconds, and begin anew when a counter goes back."""

from __future__ import annotations

import pytest

from api.kit.rates import WINDOW_MS, Rates


def test_a_rate_needs_two_samples_that_are_apart() -> None:
    rates: Rates[str] = Rates()
    rates.add({"a": 5}, 1_000)
    rates.add({"a": 9}, 1_100)
    assert rates.per_second("a") is None
    rates.add({"a": 9}, 3_000)
    assert rates.per_second("a") == 2.0
    assert rates.per_second("unknown") == 0.0


def test_a_rate_forgets_what_is_older_than_its_window() -> None:
    rates: Rates[str] = Rates()
    for second in range(60):
        rates.add({"a": 1_000 if second >= 30 else 0}, second * 1_000)
    assert rates.per_second("a") == 0.0
    rates.add({"a": 1_000 + WINDOW_MS // 1_000}, 60_000)
    assert rates.per_second("a") == 1.0


@pytest.mark.parametrize(("counts", "now_ms"), [({"a": 3}, 2_000), ({"a": 9}, 500), ({"b": 9}, 2_000), ({}, 2_000)])
def test_a_counter_or_clock_that_goes_back_and_a_counter_that_vanishes_begin_anew(
    counts: dict[str, int], now_ms: int
) -> None:
    rates: Rates[str] = Rates()
    rates.add({"a": 5}, 1_000)
    rates.add(counts, now_ms)
    assert rates.per_second("a") is None
