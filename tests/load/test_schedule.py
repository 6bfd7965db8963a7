"""The schedule: fixed before the step, from a seed."""

from itertools import pairwise
from statistics import mean, pstdev

import pytest

from tests.load.schedule import due_times


@pytest.mark.parametrize("arrivals", ["poisson", "constant"])
def test_a_schedule_follows_from_its_seed_and_ascends(arrivals: str) -> None:
    first, again = (due_times(500, 50.0, arrivals, "1 0") for _ in range(2))  # type: ignore[arg-type]
    assert first == again
    assert first == sorted(first)
    assert len(first) == 500


def test_constant_gaps_are_equal() -> None:
    assert due_times(4, 50.0, "constant", "1") == pytest.approx([0.0, 0.02, 0.04, 0.06])


def test_poisson_gaps_have_the_mean_and_the_spread_of_an_exponential_distribution() -> None:
    times = due_times(20_000, 50.0, "poisson", "1")
    gaps = [after - before for before, after in pairwise(times)]
    assert mean(gaps) == pytest.approx(0.02, rel=0.03)
    assert pstdev(gaps) == pytest.approx(0.02, rel=0.05)
    assert due_times(10, 50.0, "poisson", "2") != times[:10]
