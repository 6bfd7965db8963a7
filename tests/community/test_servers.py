"""A small community on real processes: equal to the oracle, with one process killed, and equal when it is replayed."""

from pathlib import Path

import pytest

from tests.community.behaviour.life import Plan
from tests.community.run import Options, again, live

PLAN = Plan(users=24, days=2, seed=3, activity=0.4)


@pytest.mark.slow
def test_a_community_on_real_processes_equals_the_oracle_under_faults_and_when_it_is_replayed(tmp_path: Path) -> None:
    options = Options(plan=PLAN, faults=True, replay=True, together=True, why=20, at=20)
    outcome = live(options, tmp_path / "first", print)
    assert not outcome.failures, "\n".join(outcome.failures[:20])
    assert outcome.faults.total() >= 1
    assert not again(outcome, tmp_path / "again", copied=True, say=print)


@pytest.mark.slow
def test_the_invariants_hold_for_a_crowd_on_real_processes_that_are_killed(tmp_path: Path) -> None:
    plan = Plan(users=20, days=2, seed=4, activity=0.6, crowded=True)
    outcome = live(Options(plan=plan, faults=True, together=True), tmp_path, print)
    assert not outcome.failures, "\n".join(outcome.failures[:20])
    assert outcome.faults.total() >= 1
