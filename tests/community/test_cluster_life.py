from collections import Counter
from random import Random

import pytest

from streams.events.constellation_steps import MembershipChanged
from streams.events.constellations import ConstellationLeft
from tests.community.behaviour.life import Plan
from tests.community.cluster_life import ClusterBackend, lived
from tests.community.cluster_run import play, stored
from tests.community.compared.engine import MISSING, differences, rules
from tests.community.costs import costs
from tests.community.journal import TICK
from tests.community.oracle import Community
from tests.community.without_servers import live_without_servers
from tests.unit.agents.cluster import of_type

PLAN = Plan(users=16, days=3, seed=1, activity=0.4)
BY_THE_LAST_PARTITION = frozenset({"gamification-deciding", "user-notifications"})
"""Rows that name the event of the partition that sealed a board last, which depends on scheduling."""


def stored_rows(backend: ClusterBackend) -> dict[str, list[str]]:
    return {table: sorted(map(str, held)) for table, held in stored(backend.cluster).items()}


def test_a_community_without_servers_ends_with_the_status_of_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, said = Plan(users=10, days=2, seed=1, activity=0.4), list[str]()
    assert live_without_servers(plan, said.append) == 0
    assert said[-1] == "equal"
    monkeypatch.setattr("tests.community.oracle.gamification.JOIN_XP", 21)
    assert live_without_servers(plan, said.append) == 1
    assert "gamification-progress" in said[-1]


@pytest.fixture(scope="module")
def calm() -> ClusterBackend:
    return lived(PLAN)


def test_every_row_of_all_six_domains_is_what_the_oracle_computes() -> None:
    backend, community = lived(Plan(users=14, days=9, seed=3, activity=0.4), random=Random(3)), Community(4)
    community.apply_all(backend.journal)
    assert [one.text() for one in differences(stored(backend.cluster), community.rows(), rules())] == []


def test_with_old_rows_that_leave_every_other_row_is_what_the_oracle_computes() -> None:
    kept_days = 2
    backend = lived(Plan(users=14, days=9, seed=3, activity=0.4), random=Random(3), kept_days=kept_days)
    community = Community(4, kept_days)
    community.apply_all(backend.journal)
    found = list(differences(stored(backend.cluster), community.rows(), rules()))
    left = [one.product == MISSING and community.may_have_left(one.table, one.key) for one in found]
    assert [one.text() for one, is_left in zip(found, left, strict=True) if not is_left] == []
    number = Counter(one.table for one in found)
    for table in ("trading-trades", "gamification-trades", "gamification-boards", "gamification-days"):
        assert number[table] > 5, f"{number[table]} rows have left {table}"


def test_people_close_accounts_leave_constellations_and_pass_them_on() -> None:
    backend, community = lived(Plan(users=30, days=12, seed=4, activity=0.4), random=Random(4)), Community(4)
    community.apply_all(backend.journal)
    assert [one.text() for one in differences(stored(backend.cluster), community.rows(), rules())] == []
    heirs = [one for one in of_type(backend.cluster.events, MembershipChanged) if one.role == "owner"]
    left = [one for one in of_type(backend.cluster.events, ConstellationLeft) if one.reason == "closed"]
    assert len(left) >= len(heirs) > 0, "no owner closed an account"


def test_the_rows_of_a_community_do_not_depend_on_scheduling(calm: ClusterBackend) -> None:
    shuffled = lived(PLAN, random=Random(2))
    assert shuffled.journal == calm.journal
    ours, theirs = stored_rows(calm), stored_rows(shuffled)
    assert {table for table in ours if ours[table] != theirs[table]} <= BY_THE_LAST_PARTITION


def test_a_journal_that_is_played_again_gives_the_same_rows(calm: ClusterBackend) -> None:
    again = ClusterBackend(4, PLAN.seed)
    again.cluster = play(calm.journal)
    ours, theirs = stored_rows(calm), stored_rows(again)
    assert {table for table in ours if ours[table] != theirs[table]} <= BY_THE_LAST_PARTITION


def test_the_costs_of_all_commands_add_up_to_the_events_of_the_cluster(calm: ClusterBackend) -> None:
    ticks = {entry.id for entry in calm.journal if entry.name == TICK}
    events = [one for one in calm.cluster.events if (one.correlationid or one.id) not in ticks]
    assert sum(chain.total() for chains in costs(calm).values() for chain in chains) == len(events)
    assert min(chain["financial"] for chain in costs(calm)["ReportFill"]) == 1, "each fill has a fee"
