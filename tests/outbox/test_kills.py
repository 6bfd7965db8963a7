"""A slice of the seeded runs with kills; `python -m tests.outbox --seeds 100` runs many."""

from __future__ import annotations

import pytest

from tests.outbox.__main__ import play
from tests.outbox.postgres import Postgres


@pytest.mark.slow
def test_kills_at_random_points_double_and_lose_nothing_on_sqlite() -> None:
    outcome = play(1, "sqlite", None)
    assert not outcome.failure
    assert outcome.faults["broker restored"]
    assert outcome.faults["broker flushed"]


@pytest.mark.slow
def test_kills_at_random_points_double_and_lose_nothing_on_postgresql() -> None:
    with Postgres() as postgres:
        outcome = play(7, "postgresql", postgres)
    assert not outcome.failure
    assert outcome.faults["database killed"]
    assert outcome.faults["broker flushed"]
