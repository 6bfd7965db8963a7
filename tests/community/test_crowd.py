"""Crowds that compete for names, places, tokens and money, on the rules of all domains: the invariants hold."""

from random import Random

import pytest

from tests.community.behaviour.life import Plan
from tests.community.cluster_life import lived
from tests.community.cluster_run import stored
from tests.community.invariants import broken


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.sample(1)
def test_the_invariants_hold_for_a_crowd_in_any_order(seed: int) -> None:
    plan = Plan(users=30, days=5, seed=seed, activity=0.6, crowded=True)
    backend = lived(plan, random=Random(seed))
    assert broken(stored(backend.cluster), backend.cluster.events) == []
