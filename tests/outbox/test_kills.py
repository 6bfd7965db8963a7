"""A slice of the seeded runs with kills; `python -m tests.outbox --seeds 100` runs many."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outbox.__main__ import play
from tests.outbox.postgres import Postgres
from tests.outbox.run import Template


@pytest.mark.slow
@pytest.mark.heavy
def test_kills_at_random_points_double_and_lose_nothing_on_sqlite(tmp_path: Path) -> None:
    outcome = play(35, "sqlite", Template(tmp_path, None))
    assert not outcome.failure, outcome.story
    assert {"API killed", "relay killed", "all killed", "broker restored", "broker flushed"} <= outcome.faults.keys()
    assert outcome.users
    assert outcome.orders


@pytest.mark.heavy
def test_kills_at_random_points_double_and_lose_nothing_on_postgresql(tmp_path: Path) -> None:
    with Postgres() as postgres:
        outcome = play(78, "postgresql", Template(tmp_path, postgres))
    assert not outcome.failure, outcome.story
    assert {"API killed", "writer killed", "all killed", "database killed", "broker restored"} <= outcome.faults.keys()
    assert outcome.users
    assert outcome.orders
