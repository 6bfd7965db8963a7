"""Processes and node are killed while blocks are replaced: each fee arrives once, to the unit, from trade to chain."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import pytest

from tests.chain.conftest import GATE
from tests.chain.killed_node import Base, deployed
from tests.chain.kills_plan import SERVICES, SETTLEMENTS, WORKERS, Act, Kill, plan
from tests.chain.kills_run import play

SEEDS = range(50 if os.environ.get(GATE) else 1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return deployed(tmp_path_factory.mktemp("contracts"))


@pytest.mark.heavy
@pytest.mark.parametrize("seed", SEEDS)
def test_all_that_users_did_arrives_once(base: Base, tmp_path: Path, seed: int) -> None:
    play(seed, base, tmp_path)


def test_each_seed_has_each_kind_of_act_and_kills_each_kind_of_service() -> None:
    for seed in SEEDS:
        acts = [step.act for step in plan(seed)]
        assert {type(act) for act in acts} == set(get_args(Act))
        killed = {act.service for act in acts if isinstance(act, Kill)}
        assert {service for service in SERVICES if service not in WORKERS + SETTLEMENTS} <= killed
        assert killed & set(WORKERS)
        assert killed & set(SETTLEMENTS)
        assert plan(seed) == plan(seed)
