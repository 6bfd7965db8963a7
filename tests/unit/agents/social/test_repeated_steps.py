"""Events of the social domain that a broker delivers again."""

from __future__ import annotations

from typing import Any

from agents.rulebook import packaged_rulebook
from streams.events.battles import AcceptBattle
from tests.unit.agents.cluster import Cluster
from tests.unit.agents.social.clans import NOON, after, battle, challenge, trade, two_sides


def test_steps_that_kafka_delivers_again_change_nothing() -> None:
    cluster = Cluster(at_least_once=True)
    two_sides(cluster)
    challenge(cluster)
    cluster.send(AcceptBattle(battle_id="b-1"), "eve", NOON)
    trade(cluster, "ada", "t-1", "5.00", after(60))
    cluster.tick(after(120))
    grace = packaged_rulebook().social.battles.close_grace_s
    cluster.tick(after(60 + 3600 + grace))
    assert battle(cluster).state == "completed"
    before = _rows(cluster)
    for event in [one for one in cluster.events if one.data.domain == "social"]:
        assert cluster.repeat(event) == []
    assert _rows(cluster) == before


def _rows(cluster: Cluster) -> list[Any]:
    return [{name: dict(rows) for name, rows in workers["social"].maps.items() if rows} for workers in cluster.workers]
