"""Small communities on real processes, one of which is killed or paused."""

from pathlib import Path

import pytest

from tests.community.behaviour.life import Plan
from tests.community.run import Options, live

PLAN = Plan(users=20, days=1, seed=3, activity=0.6)
GROWING = Plan(users=20, days=2, seed=3, activity=0.6)
CROWD = Plan(users=20, days=1, seed=4, activity=0.6, crowded=True)


@pytest.mark.slow
@pytest.mark.heavy
def test_a_community_on_real_processes_equals_the_oracle_although_one_is_killed(tmp_path: Path) -> None:
    options = Options(plan=PLAN, faults=0.5, faults_max=1, together=True, why=20, at=20)
    outcome = live(options, tmp_path, print)
    assert not outcome.failures, "\n".join(outcome.failures[:20])
    assert outcome.faults.total() == 1


@pytest.mark.slow
def test_a_community_whose_topics_are_resized_while_it_acts_equals_the_oracle(tmp_path: Path) -> None:
    outcome = live(Options(plan=GROWING, together=True, resize=12), tmp_path, print)
    assert not outcome.failures, "\n".join(outcome.failures[:20])


@pytest.mark.slow
@pytest.mark.heavy
def test_the_same_on_three_brokers_although_a_process_is_killed(tmp_path: Path) -> None:
    options = Options(plan=GROWING, faults=0.5, faults_max=2, shards=3, together=True, resize=12)
    outcome = live(options, tmp_path, print)
    assert not outcome.failures, "\n".join(outcome.failures[:20])


@pytest.mark.slow
@pytest.mark.heavy
def test_a_community_on_three_brokers_equals_the_oracle_although_a_process_is_killed(tmp_path: Path) -> None:
    options = Options(plan=PLAN, faults=0.5, faults_max=1, together=True, shards=3)
    outcome = live(options, tmp_path, print)
    assert not outcome.failures, "\n".join(outcome.failures[:20])


@pytest.mark.heavy
def test_the_invariants_hold_for_a_crowd_on_real_processes_that_are_killed(tmp_path: Path) -> None:
    outcome = live(Options(plan=CROWD, faults=0.5, faults_max=1, together=True), tmp_path, print)
    assert not outcome.failures, "\n".join(outcome.failures[:20])
    assert outcome.faults.total() == 1
