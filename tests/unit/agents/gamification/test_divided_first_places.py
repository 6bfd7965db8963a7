"""First places stay right when the partitions are divided, also between the reports of two partitions."""

from __future__ import annotations

from random import Random

import pytest

from streams.events.gamification import LEADERS_KEY
from streams.times import SECOND_US, Instant
from tables.boards import Standing, group, group_of
from tables.gamification import (
    GAMIFICATION_BOARDS,
    GAMIFICATION_FIRST,
    GAMIFICATION_LEADING,
    GAMIFICATION_REPORTS,
)
from tables.typed import standings
from tests.community.resized import resize
from tests.unit.agents.cluster import Cluster
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import fill_of

START = Instant.parse("2026-01-05T12:00:00Z")
PLACES = 3
CANDIDATES_A_TICK = 4
USERS = [f"user-{number}" for number in range(40)]
RULES = {
    "gamification": {
        "boards": {"seal_rows_max": CANDIDATES_A_TICK},
        "overtaking": {"places": PLACES},
    }
}


def first_by_volume(cluster: Cluster) -> list[str]:
    """Return the first users by volume of all time, from the standings of all partitions."""
    found = []
    for workers in cluster.workers:
        for key, raw in workers["gamification"].maps[GAMIFICATION_BOARDS.name].items():
            row_name, _, user = key.decode().rpartition("|")
            for name, ranked in standings(raw).items():
                if group_of(row_name, name) == group("volume", "global", "all"):
                    found.append(Standing.of(ranked).order(user))
    return [user for _, _, user in sorted(found)[:PLACES]]


def all_reported(cluster: Cluster, now: Instant) -> bool:
    """Return whether all partitions have placed their candidates and reported in the round of a time."""
    rows = cluster.rows_by_partition(GAMIFICATION_LEADING)
    return all(row.round == now // (60 * SECOND_US) for part in rows for row in part.values())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.sample(1)
def test_the_first_places_are_those_of_the_standings_after_each_tick_that_all_partitions_report(seed: int) -> None:
    random, cluster = Random(seed), Cluster(2, rulebook_with(RULES))
    waited, compared, now = 0, 0, START
    for number in range(200):
        now = Instant(now + 61 * SECOND_US)
        for user in random.sample(USERS, random.choice((0, 1, 8, 20))):
            notional = f"{random.randint(1, 100 * (number + 1))}.00"
            cluster.post(fill_of(f"f-{number}", user, notional_usd=notional), user, now)
        cluster.run()
        cluster.tick(now)
        if cluster.rows(GAMIFICATION_REPORTS) and cluster.partitions < 8 and number > 30 * cluster.partitions:
            resize(cluster, 2 * cluster.partitions)
            waited += 1
        elif all_reported(cluster, now) and (first := cluster.row(GAMIFICATION_FIRST, "volume/all", LEADERS_KEY)):
            assert list(first.ranks) == first_by_volume(cluster)
            compared += cluster.partitions == 8
    assert waited == 2, "no division was between two reports"
    assert compared > 10
