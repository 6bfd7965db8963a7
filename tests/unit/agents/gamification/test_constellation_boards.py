"""Totals of constellations: XP of members while they are members, ranked, sealed, and rewarded by contribution."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.gamification.shares import shares_of
from streams.events import AnyEvent
from streams.events.constellation_steps import ContributionReceived
from streams.events.constellations import ConstellationJoined, ConstellationLeft
from streams.events.financial import FundsDeposited
from streams.events.gamification import LateEventRecorded, LeaderboardSealed, RewardGranted
from streams.times import Instant
from streams.units import Quantity
from tables.boards import CONSTELLATIONS, Standing, names_of
from tables.typed import standings
from tests.unit.agents.cluster import Cluster
from tests.unit.agents.world import fill_of, of_type

NOON = "2024-09-20T12:00:00Z"
SEASON = "season:2024-Q3"


def total(cluster: Cluster, constellation: str, period: str) -> Any:
    """Return the XP of a constellation in a period and when they were reached, or None."""
    for row, name in names_of(f"{CONSTELLATIONS}/{period}/xp").items():
        maps = cluster.workers[cluster.partition_of(constellation)]["gamification"].maps
        raw = maps["gamification-boards"].get(f"{row}|{constellation}".encode())
        if raw is not None and name in standings(raw):
            return tuple(Standing.of(standings(raw)[name]))
    return None


def join(cluster: Cluster, user: str, constellation: str, at: str = NOON) -> None:
    cluster.send(ConstellationJoined(constellation_id=constellation, name="North", role="member"), user, at)


def deposit(cluster: Cluster, user: str, usd: int, at: str = NOON) -> None:
    data = FundsDeposited(asset="USD", amount=Quantity.of(usd), provider="bank", reference=f"{user}-{usd}-{at}")
    cluster.send(data, user, at)


def give(cluster: Cluster, constellation: str, user: str, amount: int, at: str = NOON) -> None:
    cluster.send(ContributionReceived(user_id=user, contribution_id="c", amount=amount), constellation, at)


def test_members_earn_for_their_constellation_what_they_earn_while_they_belong_to_it() -> None:
    cluster = Cluster()
    deposit(cluster, "ada", 1_000)
    join(cluster, "ada", "north")  # 20 XP
    deposit(cluster, "ada", 2_000)  # 200 XP
    join(cluster, "bob", "north", "2024-09-20T13:00:00Z")
    cluster.send(fill_of("f-1", "bob"), "bob", "2024-09-20T14:00:00Z")  # 15 XP, and 50 for the first trade
    cluster.send(ConstellationLeft(constellation_id="north", reason="left"), "ada", "2024-09-20T15:00:00Z")
    deposit(cluster, "ada", 3_000, "2024-09-20T16:00:00Z")
    assert total(cluster, "north", "all") is None
    cluster.tick("2024-09-20T17:00:00Z")
    expected = (20 + 200 + 20 + 15 + 50, int(Instant.parse("2024-09-20T14:00:00Z")))
    for period in ("day:2024-09-20", "week:2024-W38", "month:2024-09", SEASON, "all"):
        assert total(cluster, "north", period) == expected
    cluster.tick("2024-09-20T18:00:00Z")
    assert total(cluster, "north", "all") == expected


def test_each_period_counts_what_was_earned_in_it_also_in_one_tick() -> None:
    cluster = Cluster()
    join(cluster, "ada", "north")
    deposit(cluster, "ada", 1_000, "2024-09-21T12:00:00Z")
    cluster.tick("2024-09-21T12:00:01Z")
    deposit(cluster, "ada", 1_500, "2024-09-20T23:00:00Z")  # late, and in time
    cluster.tick("2024-09-21T12:00:02Z")
    newest = int(Instant.parse("2024-09-21T12:00:00Z"))
    assert total(cluster, "north", "day:2024-09-20") == (170, int(Instant.parse("2024-09-20T23:00:00Z")))
    assert total(cluster, "north", "day:2024-09-21") == (100, newest)
    assert total(cluster, "north", "week:2024-W38") == (270, newest)


def test_xp_that_arrive_after_the_constellations_partition_has_sealed_are_recorded_as_late() -> None:
    cluster = Cluster()
    join(cluster, "ada", "north", "2024-09-20T12:00:00Z")
    late = of_type(cluster.tick("2024-09-22T00:00:00Z"), LateEventRecorded)
    assert [one.periods for one in late] == [("day:2024-09-20",)]
    assert total(cluster, "north", "day:2024-09-20") is None
    assert total(cluster, "north", "week:2024-W38") == (20, int(Instant.parse(NOON)))


def season_of(cluster: Cluster) -> list[tuple[str, int, int, str]]:
    """End the season; return user, rank, shards and id of the granted rewards of constellations."""
    events: list[AnyEvent] = []
    for at in ("2024-10-01T00:00:00Z", "2024-10-02T00:00:00Z"):
        events += cluster.tick(at)
    return sorted(
        (event.partitionkey, event.data.rank, event.data.ss, event.data.reward_id)
        for event in events
        if isinstance(event.data, RewardGranted) and event.data.reward_id.startswith(CONSTELLATIONS)
    )


def test_a_season_of_constellations_rewards_those_who_contributed_in_it_by_what_they_gave() -> None:
    cluster = Cluster()
    for user, constellation in (("ada", "north"), ("bob", "north"), ("cyd", "north"), ("dan", "south")):
        join(cluster, user, constellation)
    deposit(cluster, "ada", 2_000)
    give(cluster, "north", "ada", 30, "2024-06-30T12:00:00Z")  # of the season before
    give(cluster, "north", "ada", 1)
    give(cluster, "north", "bob", 1)
    give(cluster, "north", "bob", 1, "2024-09-20T13:00:00Z")
    give(cluster, "south", "dan", 5)
    cluster.tick("2024-09-20T12:00:01Z")
    name = f"constellations:xp:{SEASON}"
    assert season_of(cluster) == [
        ("ada", 1, 6_666, f"{name}:north"),
        ("bob", 1, 13_334, f"{name}:north"),
        ("dan", 2, 10_000, f"{name}:south"),
    ]


def test_the_first_ten_constellations_of_a_season_earn_20000_10000_and_4000_by_their_rank() -> None:
    cluster = Cluster()
    for number in range(1, 12):
        join(cluster, f"user-{number:02d}", f"c-{number:02d}")
        deposit(cluster, f"user-{number:02d}", 5_000 - 100 * number)
        give(cluster, f"c-{number:02d}", f"user-{number:02d}", 1)
    cluster.tick("2024-09-20T12:00:01Z")
    shards = [20_000, *[10_000] * 2, *[4_000] * 7]
    expected = [(f"user-{rank:02d}", rank, ss) for rank, ss in enumerate(shards, start=1)]
    assert [(user, rank, ss) for user, rank, ss, _ in season_of(cluster)] == expected


def test_a_constellation_without_contributions_earns_nothing() -> None:
    cluster = Cluster()
    join(cluster, "ada", "north")
    cluster.tick("2024-09-20T12:00:01Z")
    assert season_of(cluster) == []


def test_the_season_of_constellations_is_sealed_with_its_own_digest() -> None:
    cluster = Cluster()
    join(cluster, "ada", "north")
    cluster.tick("2024-09-20T12:00:01Z")
    sealed = of_type(cluster.tick("2024-10-02T00:00:00Z"), LeaderboardSealed)
    assert [one.rows for one in sealed if (one.scope, one.period) == (CONSTELLATIONS, SEASON)] == [1]


@given(st.integers(1, 20_000), st.dictionaries(st.text("abc", min_size=1), st.integers(1, 10**6), max_size=8))
def test_shares_add_up_to_the_pool_exactly(pool: int, contributed: dict[str, int]) -> None:
    shares = shares_of(pool, contributed)
    assert sum(shares.values()) == (pool if contributed else 0)
    assert all(shares[user] >= pool * part // sum(contributed.values()) for user, part in contributed.items())


@pytest.mark.parametrize(("user", "share"), [("ann", 7), ("bob", 3)])
def test_the_remainder_goes_to_the_greatest_contributor_or_the_first_by_id(user: str, share: int) -> None:
    assert shares_of(10, {"bob": 1, "ann": 2})[user] == share
    assert shares_of(5, {"bob": 1, "ann": 1}) == {"ann": 3, "bob": 2}
