"""Rewards: granted once all partitions have sealed, once a user, claimed in time or expired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.rulebook import RulebookError, packaged_rulebook, packaged_text, parse_rulebook
from streams.events.clock import Ticked
from streams.events.gamification import (
    ClaimRejected,
    ClaimReward,
    LeaderboardSealed,
    PartitionSealed,
    RewardClaimed,
    RewardDecided,
    RewardExpired,
    RewardGranted,
    TopPlace,
)
from streams.events.notifications import Notified
from streams.times import Instant
from tests.unit.agents.world import World, of_type

RULES = packaged_rulebook().gamification.rewards
WEEK = "week:2024-W38"
END = "2024-09-23T00:00:00Z"
SEALED = "2024-09-24T00:00:00Z"
REWARD_ID = f"global:xp:{WEEK}"


def after(days: float) -> str:
    moment = datetime(2024, 9, 24, tzinfo=UTC) + timedelta(days=days)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def part(partition: int, *places: tuple[str, int, int], period: str = WEEK) -> LeaderboardSealed:
    top = tuple(TopPlace(user_id=user, score=str(score), reached_at_us=at) for user, score, at in places)
    return LeaderboardSealed(
        board="xp", scope="global", period=period, partition=partition, rows=len(top), digest="0" * 64, top=top
    )


def sealed(partition: int, end: str = END, partitions: int = 2) -> PartitionSealed:
    return PartitionSealed(
        scope="global", board="xp", partition=partition, partitions=partitions, sealed_to_us=int(Instant.parse(end))
    )


def decide(world: World, data: Any) -> list[tuple[str, int, int]]:
    """Deliver an event to the board's key; return user, rank and shards of the decided rewards."""
    events = [event for event in world.happen(data, SEALED, "global/xp") if isinstance(event.data, RewardDecided)]
    return [(event.partitionkey, event.data.rank, event.data.ss) for event in events]  # type: ignore[attr-defined]


def granted(world: World, user: str = "ada") -> list[RewardGranted]:
    decided = RewardDecided(scope="global", board="xp", period=WEEK, rank=1, ss=1_000)
    return of_type(world.happen(decided, SEALED, user), RewardGranted)


def claim(world: World, at: str, user: str = "ada", reward_id: str = REWARD_ID) -> list[Any]:
    return [event.data for event in world.happen(ClaimReward(reward_id=reward_id), at, user)]


@pytest.mark.parametrize(
    ("period", "rank", "ss"),
    [
        *(("week", 1, 1_000), ("week", 2, 500), ("week", 3, 500), ("week", 4, 200), ("week", 10, 200)),
        *(
            ("season", 1, 10_000),
            ("season", 3, 5_000),
            ("season", 10, 2_000),
            ("season", 11, 500),
            ("season", 100, 500),
        ),
    ],
)
def test_a_rank_of_the_xp_board_earns_the_shards_of_the_table(period: str, rank: int, ss: int) -> None:
    rule = RULES.rule("global", "xp", period)
    assert rule is not None
    assert rule.shards(rank) == ss
    assert rule.ranks == {"week": 10, "season": 100}[period]
    assert RULES.rule("global", "xp", "day") is None


@pytest.mark.parametrize("first", [WEEK, "season:2024-Q3"])
def test_boards_that_are_decided_at_once_are_granted_in_the_order_of_their_ends(world: World, first: str) -> None:
    """The order in which the parts of several partitions arrive is open. It must not order a user's rewards."""
    periods = sorted((WEEK, "season:2024-Q3"), key=lambda period: period != first)
    for number, period in enumerate(periods):
        world.happen(part(number, ("ada", 90, 2), period=period), SEALED, "global/xp")
    world.happen(sealed(0, "2024-10-01T00:00:00Z"), SEALED, "global/xp")
    events = world.happen(sealed(1, "2024-10-01T00:00:00Z"), SEALED, "global/xp")
    assert [decided.period for decided in of_type(events, RewardDecided)] == [WEEK, "season:2024-Q3"]


def test_rewards_are_decided_by_ranks_over_all_partitions_once_all_have_sealed(world: World) -> None:
    assert decide(world, part(0, ("ada", 90, 2), ("bob", 70, 1))) == []
    assert decide(world, sealed(0)) == []
    assert decide(world, part(1, ("eve", 90, 1), ("cyd", 80, 1))) == []
    assert decide(world, sealed(1)) == [("eve", 1, 1_000), ("ada", 2, 500), ("cyd", 3, 500), ("bob", 4, 200)]
    assert decide(world, sealed(0)) == []


def test_a_partition_without_rows_does_not_hold_up_the_others(world: World) -> None:
    decide(world, part(0, ("ada", 90, 2)))
    decide(world, sealed(1, "2024-10-01T00:00:00Z"))
    assert decide(world, sealed(0)) == [("ada", 1, 1_000)]


def test_a_period_waits_for_the_slowest_partition(world: World) -> None:
    decide(world, part(0, ("ada", 90, 2)))
    decide(world, sealed(0))
    assert decide(world, sealed(1, "2024-09-22T00:00:00Z")) == []
    assert decide(world, sealed(1)) == [("ada", 1, 1_000)]


def test_only_ten_ranks_of_a_week_are_rewarded(world: World) -> None:
    for partition in range(2):
        decide(world, part(partition, *((f"user-{partition}-{n}", 100 - n, partition) for n in range(10))))
    decide(world, sealed(0))
    assert [rank for _, rank, _ in decide(world, sealed(1))] == list(range(1, 11))


def test_a_sealing_partition_tells_its_first_places_and_then_that_it_has_sealed(world: World) -> None:
    world.fill("f-1", "2024-09-20T12:00:00Z")
    events = world.happen(Ticked(partition=1, partitions=4), SEALED, "clock")
    names = [type(event.data).__name__ for event in events]
    assert names.index("PartitionSealed") > max(n for n, name in enumerate(names) if name == "LeaderboardSealed")
    told = of_type(events, PartitionSealed)
    assert [(one.scope, one.board) for one in told] == [("global", "xp"), ("constellations", "xp")]
    assert {(one.partition, one.partitions, one.sealed_to_us) for one in told} == {(1, 4, int(Instant.parse(END)))}
    tops = {
        one.period: [top.user_id for top in one.top] for one in of_type(events, LeaderboardSealed) if one.board == "xp"
    }
    assert tops == {"day:2024-09-20": [], WEEK: ["ada"]}


def test_a_reward_is_granted_once_a_board_and_period_with_a_notification(world: World) -> None:
    decided = RewardDecided(scope="global", board="xp", period=WEEK, rank=1, ss=1_000)
    first, told = world.happen(decided, SEALED, "ada")
    assert first.data == RewardGranted(
        reward_id=REWARD_ID, board="xp", period=WEEK, rank=1, ss=1_000, expires_us=int(Instant.parse(after(90)))
    )
    assert isinstance(told.data, Notified)
    assert (told.data.kind, told.data.cause_id, told.partitionkey) == ("reward_granted", first.id, "ada")
    assert world.happen(decided, SEALED, "ada") == []


def test_a_user_claims_a_reward_once(world: World) -> None:
    granted(world)
    assert claim(world, after(1)) == [RewardClaimed(reward_id=REWARD_ID, ss=1_000)]
    assert claim(world, after(1)) == [ClaimRejected(reward_id=REWARD_ID, reason="already_claimed")]


def test_an_unknown_or_foreign_reward_cannot_be_claimed(world: World) -> None:
    granted(world)
    unknown = ClaimRejected(reward_id=REWARD_ID, reason="unknown_reward")
    assert claim(world, after(1), "bob") == [unknown]
    assert claim(world, after(1), reward_id="x") == [ClaimRejected(reward_id="x", reason="unknown_reward")]


def test_a_claim_within_90_days_is_in_time_and_a_later_one_is_not(world: World) -> None:
    granted(world, "ada")
    granted(world, "bob")
    assert claim(world, after(90 - 1e-4)) == [RewardClaimed(reward_id=REWARD_ID, ss=1_000)]
    assert claim(world, after(90), "bob") == [ClaimRejected(reward_id=REWARD_ID, reason="expired")]


def test_an_unclaimed_reward_is_announced_7_days_before_it_expires_and_then_expires_once(world: World) -> None:
    def tick(days: float) -> list[tuple[str, str]]:
        events = world.happen(Ticked(), after(days), "clock")
        shown = [event for event in events if isinstance(event.data, Notified | RewardExpired)]
        return [(event.partitionkey, getattr(event.data, "kind", "expired")) for event in shown]

    granted(world, "ada")
    granted(world, "bob")
    granted(world, "cyd")
    claim(world, after(1), "cyd")
    assert tick(83 - 1e-4) == []
    assert tick(83) == [("ada", "reward_expiring"), ("bob", "reward_expiring")]
    claim(world, after(84), "bob")
    assert tick(90 - 1e-4) == []
    assert tick(90) == [("ada", "expired")]
    assert tick(91) == []
    assert claim(world, after(91)) == [ClaimRejected(reward_id=REWARD_ID, reason="expired")]
    assert world.maps["gamification-deadlines"] == {}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("notice_days = 7", "notice_days = 90", "expected notice_days below claim_days"),
        ("{ to = 3, ss = 500 }", "{ to = 1, ss = 500 }", "expected bands whose ends rise"),
    ],
)
def test_a_contradicting_rule_book_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(RulebookError, match=message):
        parse_rulebook(packaged_text().replace(old, new, 1))
