"""How long the server really takes for what is reckoned."""

from __future__ import annotations

import pytest

from streams.driver.limits import PACE_FROM_US, PACE_MAX, PACE_MIN
from streams.driver.pace import Pace


def learnt(*commits: tuple[int, int], times: int = 100) -> Pace:
    pace = Pace()
    for _ in range(times):
        for reckoned_us, took_us in commits:
            pace.learn(reckoned_us, took_us)
    return pace


def test_what_is_reckoned_for_a_bound_follows_what_commits_take() -> None:
    assert Pace().reckoned(1_800) == 1_800
    slow = learnt((1_000, 3_000))
    assert slow.reckoned(1_800) == 600
    assert slow.real(600) == 1_800


def test_one_commit_that_was_held_up_is_not_believed_at_once() -> None:
    pace = learnt((1_000, 1_000))
    pace.learn(1_000, 100_000)
    assert pace.factor <= 1 + 0.1 * PACE_MAX


@pytest.mark.parametrize("commit", [(PACE_FROM_US - 1, 50_000), (1_000, 0)])
def test_small_commits_and_those_that_say_nothing_teach_nothing(commit: tuple[int, int]) -> None:
    assert learnt(commit).factor == 1.0


@pytest.mark.parametrize(("took_us", "factor"), [(1, PACE_MIN), (10**9, PACE_MAX)])
def test_it_has_bounds(took_us: int, factor: float) -> None:
    assert learnt((1_000, took_us)).factor == pytest.approx(factor, rel=0.01)
