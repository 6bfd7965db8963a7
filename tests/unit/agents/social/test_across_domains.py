"""Constellations and battles together with the ledger and gamification."""

from __future__ import annotations

from streams.events.battles import AcceptBattle, BattleCompleted
from streams.events.constellations import ContributeShards
from streams.events.gamification import AchievementUnlocked
from streams.times import HOUR_US, Instant
from streams.units import SCALE
from tables.accounts import EMISSION, available
from tables.accounts import constellation as account_of
from tables.financial import FINANCIAL_LEDGER
from tests.unit.agents.cluster import Cluster, of_type
from tests.unit.agents.social.clans import (
    NOON,
    after,
    challenge,
    constellation,
    found,
    reasons,
    trade,
    two_sides,
)

START = after(60)


def shards(cluster: Cluster, account: str) -> int:
    """Return the shards of an account over all partitions."""
    rows = [
        row
        for rows in cluster.rows_by_partition(FINANCIAL_LEDGER)
        for key, row in rows.items()
        if key == f"{account}|SS"
    ]
    return sum(int(row.amount) for row in rows) // SCALE


def test_a_contribution_leaves_the_members_balance_and_raises_the_constellation() -> None:
    cluster = Cluster()
    found(cluster, "ada", "north")
    assert shards(cluster, available("ada")) == 500  # twice the XP of founding one
    assert reasons(cluster.send(ContributeShards(amount=120), "ada", NOON)) == []
    assert (shards(cluster, available("ada")), shards(cluster, account_of("north"))) == (380, 120)
    assert constellation(cluster, "north").contributed == 120
    assert reasons(cluster.send(ContributeShards(amount=381), "ada", NOON)) == ["insufficient_funds"]
    assert constellation(cluster, "north").contributed == 120


def test_prizes_of_a_battle_are_paid_once_from_the_emission_and_a_win_is_an_achievement() -> None:
    cluster = Cluster()
    two_sides(cluster)
    challenge(cluster)
    cluster.send(AcceptBattle(battle_id="b-1"), "eve", NOON)
    trade(cluster, "ada", "t-1", "50.00", START)
    trade(cluster, "fay", "t-2", "-1.00", START)
    before = {user: shards(cluster, available(user)) for user in ("ada", "bob", "eve", "fay")}
    events = cluster.tick(Instant(START + HOUR_US + 60_000_000))
    [result] = of_type(events, BattleCompleted)
    assert result.prizes == {"ada": 800, "fay": 200}
    won = 2 * 100  # the shards of the first win
    after_it = {user: shards(cluster, available(user)) - held for user, held in before.items()}
    assert after_it == {"ada": 800 + won, "bob": won, "eve": 0, "fay": 200}
    wins = [event.partitionkey for event in events if isinstance(event.data, AchievementUnlocked)]
    assert sorted(wins) == ["ada", "bob"]
    held = sum(shards(cluster, available(user)) for user in before)
    assert shards(cluster, EMISSION) == -held
