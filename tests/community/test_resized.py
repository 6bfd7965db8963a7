"""A community whose topics get more partitions while it lives: every row is what the oracle computes all the same."""

from __future__ import annotations

from typing import Final

import pytest

from api.financial.fee_hours import FEE_HOURS
from api.trading.candles import CANDLES
from streams.events.financial import ReportDeposit, Subscribe, deposit_key
from streams.events.gamification import LeaderboardSealed
from tables.accounts import TRANSIT
from tables.financial import AUDIT_KEY, FINANCIAL_AUDITS, FINANCIAL_PLAN_USERS
from tables.rank_proof import verify
from tests.community.as_read import proofs_of, windows_of
from tests.community.behaviour.life import Plan
from tests.community.cluster_run import play, stored
from tests.community.compared.engine import MISSING, differences, rules
from tests.community.invariants import broken
from tests.community.placed import misplaced
from tests.community.resized import PARTITIONS, live_resized, resize, tables_of
from tests.community.rulebook import rulebook
from tests.unit.agents.cluster import Cluster, of_type

START: Final = "2026-01-05T12:00:00Z"


@pytest.mark.parametrize("numbers", [{4: 12}, {2: 8, 5: 24}], ids=str)
@pytest.mark.sample(1)
def test_every_row_is_what_the_oracle_computes(numbers: dict[int, int]) -> None:
    run = live_resized(Plan(users=14, days=9, seed=3, activity=0.4), numbers)
    found = [
        one
        for one in differences(stored(run.backend.cluster), run.oracle().rows(), rules())
        if not (one.key.startswith(TRANSIT) and (one.product, one.oracle) == ({"amount": 0}, MISSING))
    ]
    assert [one.text() for one in found] == []
    sealed = {one.partition for one in of_type(run.backend.cluster.events, LeaderboardSealed)}
    assert len(sealed) > PARTITIONS
    assert misplaced(stored(run.backend.cluster), run.backend.cluster.partitions) == []
    assert len(misplaced(stored(run.backend.cluster), PARTITIONS)) > 100


def test_windows_are_those_of_partitions_that_were_never_divided() -> None:
    run = live_resized(Plan(users=14, days=4, seed=3, activity=0.4), {1: 8, 2: 24})
    whole = play(run.backend.journal, PARTITIONS, rules=rulebook())
    ours, theirs = (windows_of(tables_of(one), CANDLES, FEE_HOURS) for one in (run.backend.cluster, whole))
    assert ours == theirs
    assert len(ours) > 50


def test_each_partition_counts_its_plans_and_audits_its_books_at_the_next_tick() -> None:
    cluster, users = Cluster(PARTITIONS), [f"user-{number}" for number in range(20)]
    for user in users:
        money = {"user_id": user, "asset": "USD", "amount": "1000", "provider": "bank", "reference": user}
        cluster.send(ReportDeposit.of(money), deposit_key("bank", user), START)
        cluster.send(Subscribe(plan="captain", cycle="month"), user, START)
    cluster.tick(START)
    resize(cluster, 12)
    assert sum(rows["captain"].users for rows in cluster.rows_by_partition(FINANCIAL_PLAN_USERS) if rows) == len(users)
    cluster.tick("2026-01-05T12:00:01Z")
    for partition, rows in enumerate(cluster.rows_by_partition(FINANCIAL_PLAN_USERS)):
        assert rows["captain"].users == sum(cluster.partition_of(user) == partition for user in users)
    for audits in cluster.rows_by_partition(FINANCIAL_AUDITS):
        assert not any(audits[AUDIT_KEY].breaches.values())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.sample(1)
def test_the_invariants_hold_for_a_crowd(seed: int) -> None:
    run = live_resized(Plan(users=30, days=5, seed=seed, activity=0.6, crowded=True), {1: 8, 3: 24})
    assert broken(stored(run.backend.cluster), run.backend.cluster.events) == []


def test_a_board_keeps_its_digest_and_its_proofs() -> None:
    run = live_resized(Plan(users=14, days=9, seed=3, activity=0.4), {4: 8, 7: 24})
    published = [{group: one[0].digest for group, one in proofs_of(before).items()} for before in run.befores]
    proofs = proofs_of(tables_of(run.backend.cluster))
    for digests in published:
        assert digests
        assert {group: proofs[group][0].digest for group in digests} == digests
    assert len(proofs) > len(published[1]) > len(published[0])
    for group, ranked in proofs.items():
        assert [verify(proof) for proof in ranked] == list(range(1, len(ranked) + 1)), group
        assert {proof.digest for proof in ranked} == {ranked[0].digest}
    assert {len(ranked[0].parts) for ranked in proofs.values()} == {4, 8, 24}
