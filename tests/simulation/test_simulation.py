"""The slice of the simulation that runs in CI. The closing run is `python -m tests.simulation --seeds 10000`."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.__main__ import main, outcome, seeds_for
from tests.simulation.defects import DEFECTS
from tests.simulation.world import FailedError, play
from tests.source import PYTHON_PATH

SEEDS_IN_CI = 200
SEEDS_AT_ONCE = 25
SEEDS_FOR_A_DEFECT = 500
"""Which seeds catch a defect changes with the timing of the driver. One in a hundred catches a rare defect."""


@pytest.mark.parametrize("first", range(0, SEEDS_IN_CI, SEEDS_AT_ONCE))
@pytest.mark.sample(2)
def test_the_protocol_holds_on_every_seed(first: int) -> None:
    seeds = range(first, first + SEEDS_AT_ONCE)
    failed = [(seed, reason) for seed, reason, _, _ in map(outcome, seeds) if reason is not None]
    assert not failed, "replay with: python -m tests.simulation --trace --seed " + str(failed[0][0])


@pytest.mark.parametrize("name", DEFECTS)
@pytest.mark.sample(5)
def test_a_planted_defect_is_caught(name: str) -> None:
    for seed in seeds_for(name, DEFECTS[name].near, SEEDS_FOR_A_DEFECT):
        if outcome(seed, name)[1] is not None:
            sys.stdout.write(f"{name} is caught by seed {seed}\n")
            assert outcome(seed)[1] is None, "the seed fails without the defect, too"
            return
    pytest.fail(f"{name} is not caught by {SEEDS_FOR_A_DEFECT} seeds from {DEFECTS[name].near} on")


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_a_seed_plays_the_same_way_in_every_process(hash_seed: str) -> None:
    here: list[str] = []
    play(7, None, here.append)
    there = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seed", "7", "--trace"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": PYTHON_PATH},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.splitlines()[:-1] == [line for text in here for line in text.splitlines()]


def test_a_failing_seed_is_named_with_its_replay(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "5", "--defect", "overlay_flushed_before_commit"]) == 0
    said = capsys.readouterr().out
    assert "--seed 0 --trace --defect overlay_flushed_before_commit" in said
    with pytest.raises(FailedError):
        play(0, "overlay_flushed_before_commit")


def test_nothing_stays_planted() -> None:
    outcome(0, "overlay_flushed_before_commit")
    assert outcome(0)[1] is None
