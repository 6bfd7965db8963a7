"""A slice of the fault suite; `python -m tests.faults --seeds 100` is the whole. CI has tests/e2e/test_shards.py."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.run import Shape, play

SLICE = Shape(fills=400, faults=5)
"""About a third of a seed of the command."""


@pytest.mark.slow
@pytest.mark.heavy
@pytest.mark.parametrize("seed", [1, 2])
def test_after_all_faults_every_event_and_every_row_is_right(seed: int, tmp_path: Path) -> None:
    outcome = play(seed, SLICE, tmp_path)
    assert outcome.failure is None, "\n".join([*outcome.story, outcome.failure])


@pytest.mark.slow
@pytest.mark.heavy
def test_after_faults_of_three_shards_every_event_and_every_row_is_right(tmp_path: Path) -> None:
    outcome = play(1, replace(SLICE, shards=3), tmp_path)
    assert outcome.failure is None, "\n".join([*outcome.story, outcome.failure])
