"""Two restores of a small installation; `python -m tests.backup_drill` runs all, on either database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backup_drill.databases import Sqlite
from tests.backup_drill.run import RESTORES, Drill


@pytest.mark.slow
@pytest.mark.heavy
def test_a_broker_older_than_its_database_heals_and_a_database_older_than_its_broker_is_refused(tmp_path: Path) -> None:
    chosen = tuple(one for one in RESTORES if one.broker != one.database)
    outcomes = {one.restore.broker: one for one in Drill(tmp_path, Sqlite(), 2, print).run(chosen)}
    healed, refused = outcomes["earlier"], outcomes["last"]
    assert not healed.failures, healed.failures
    assert not refused.failures, refused.failures
    assert healed.accounts_lost == 0, "the outbox publishes the accounts that the broker lacks"
    assert healed.fills_lost > 0, "the broker had the only copy"
    assert "restored to an earlier state" in refused.refused
