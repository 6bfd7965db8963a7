"""The rules of challenges, and of steps of a battle that got lost, over four partitions."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from streams.events.battle_steps import (
    BattleProposed,
    EngagementAnswered,
    EngagementEnded,
    EngagementRequested,
    PointsReported,
    SideFixed,
    SideRequested,
)
from streams.events.battles import AcceptBattle, BattleChallenged, DeclineBattle, WithdrawChallenge
from streams.events.constellations import ChangeMemberRole, DissolveConstellation
from streams.times import HOUR_US, Instant
from tables.social_constellations import (
    SOCIAL_CONSTELLATIONS,
)
from tests.unit.agents.cluster import Cluster, of_type
from tests.unit.agents.social.clans import (
    NOON,
    after,
    battle,
    challenge,
    constellation,
    found,
    rating,
    reasons,
    started,
    told,
    two_sides,
)
from tests.unit.agents.social.test_constellations import Lossy

START = after(60)
END = Instant(START + HOUR_US)
CLOSED = Instant(END + 60_000_000)


# --- challenges -------------------------------------------------------------------------------------------------------


def test_an_owner_or_admin_challenges_and_the_defenders_leaders_are_told(cluster: Cluster) -> None:
    two_sides(cluster)
    assert reasons(challenge(cluster, "bob")) == ["role_too_low"]
    cluster.send(ChangeMemberRole(member="bob", role="admin"), "ada", NOON)
    events = challenge(cluster, "bob")
    assert of_type(events, BattleChallenged) == [
        BattleChallenged(challenger="north", defender="south", kind="trading_duel", hours=1)
    ]
    assert told(events, "battle_challenge") == ["eve"]
    assert battle(cluster).state == "challenged"
    assert constellation(cluster, "north").battles == constellation(cluster, "south").battles == ("b-1",)


def test_a_battle_lasts_24_hours_unless_the_challenger_says(cluster: Cluster) -> None:
    two_sides(cluster)
    challenge(cluster, hours=None)
    assert battle(cluster).hours == 24


@pytest.mark.parametrize("hours", [1, 168])
def test_a_battle_lasts_from_1_to_168_hours(cluster: Cluster, hours: int) -> None:
    two_sides(cluster)
    challenge(cluster, hours=hours)
    cluster.send(AcceptBattle(battle_id="b-1"), "eve", NOON)
    cluster.tick(after(60))
    for seconds_after_end, state in ((0, "running"), (60, "completed")):
        cluster.tick(after(60 + hours * 3_600 + seconds_after_end))
        assert battle(cluster).state == state
    assert battle(cluster).ends_at - battle(cluster).starts_at == hours * HOUR_US


def test_a_constellation_is_in_one_battle_or_challenge_at_most(cluster: Cluster) -> None:
    two_sides(cluster)
    found(cluster, "gus", "west")
    challenge(cluster)
    assert reasons(challenge(cluster, "gus", battle_id="b-2")) == ["opponent_in_a_battle"]
    assert reasons(challenge(cluster, "ada", battle_id="b-3", opponent="west")) == ["in_a_battle"]
    assert battle(cluster, "b-2").state == "refused"
    assert constellation(cluster, "west").engagement is None
    assert constellation(cluster, "west").battles == ()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"opponent": "north"}, "own_constellation"),
        ({"opponent": "nowhere"}, "unknown_opponent"),
    ],
)
def test_a_challenge_that_cannot_be_is_rejected(cluster: Cluster, fields: dict[str, Any], reason: str) -> None:
    two_sides(cluster)
    assert reasons(challenge(cluster, **fields)) == [reason]
    assert constellation(cluster, "north").engagement is None


def test_the_id_of_a_battle_is_used_once(cluster: Cluster) -> None:
    two_sides(cluster)
    challenge(cluster)
    cluster.send(DeclineBattle(battle_id="b-1"), "eve", NOON)
    assert reasons(challenge(cluster)) == ["battle_exists"]
    assert constellation(cluster, "north").engagement is None


@pytest.mark.parametrize(("gap", "expected"), [(500, []), (501, ["rating_gap"])])
def test_ratings_are_at_most_500_apart(cluster: Cluster, gap: int, expected: list[str]) -> None:
    two_sides(cluster)
    worker = cluster.workers[cluster.partition_of("south")]["social"]
    rows = worker.maps[SOCIAL_CONSTELLATIONS.name]
    rows[b"south"] = replace(constellation(cluster, "south"), rating=1000 + gap).dump()
    assert reasons(challenge(cluster)) == expected


def test_a_challenge_is_answered_by_the_defenders_owner_or_an_admin(cluster: Cluster) -> None:
    two_sides(cluster)
    challenge(cluster)
    assert reasons(cluster.send(AcceptBattle(battle_id="b-1"), "fay", NOON)) == ["role_too_low"]
    assert reasons(cluster.send(AcceptBattle(battle_id="b-1"), "ada", NOON)) == ["no_such_challenge"]
    assert reasons(cluster.send(AcceptBattle(battle_id="b-2"), "eve", NOON)) == ["no_such_challenge"]
    assert reasons(cluster.send(AcceptBattle(battle_id="b-1"), "zoe", NOON)) == ["not_a_member"]
    assert battle(cluster).state == "challenged"


def test_a_declined_challenge_frees_both_sides(cluster: Cluster) -> None:
    two_sides(cluster)
    challenge(cluster)
    cluster.send(DeclineBattle(battle_id="b-1"), "eve", NOON)
    assert battle(cluster).state == "declined"
    assert constellation(cluster, "north").engagement is constellation(cluster, "south").engagement is None
    assert reasons(cluster.send(AcceptBattle(battle_id="b-1"), "eve", NOON)) == ["no_such_challenge"]
    assert reasons(challenge(cluster, battle_id="b-2")) == []


def test_a_challenge_is_withdrawn_by_its_challengers_owner_or_an_admin(cluster: Cluster) -> None:
    two_sides(cluster)
    challenge(cluster)
    withdraw = WithdrawChallenge(battle_id="b-1")
    for user, reason in (("bob", "role_too_low"), ("eve", "no_such_challenge"), ("zoe", "not_a_member")):
        assert reasons(cluster.send(withdraw, user, NOON)) == [reason]
    assert reasons(cluster.send(withdraw, "ada", NOON)) == []
    assert battle(cluster).state == "withdrawn"
    assert constellation(cluster, "north").engagement is constellation(cluster, "south").engagement is None
    assert reasons(cluster.send(AcceptBattle(battle_id="b-1"), "eve", NOON)) == ["no_such_challenge"]
    assert reasons(challenge(cluster, battle_id="b-2")) == []


def test_a_challenge_that_was_accepted_cannot_be_withdrawn(cluster: Cluster) -> None:
    started(cluster)
    assert reasons(cluster.send(WithdrawChallenge(battle_id="b-1"), "ada", NOON)) == ["no_such_challenge"]
    assert battle(cluster).state == "running"


def test_a_challenge_expires_after_24_hours(cluster: Cluster) -> None:
    two_sides(cluster)
    challenge(cluster)
    assert of_type(cluster.tick(after(24 * 3600 - 1)), EngagementEnded) == []
    assert reasons(cluster.send(AcceptBattle(battle_id="b-1"), "eve", after(24 * 3600))) == ["no_such_challenge"]
    cluster.tick(after(24 * 3600))
    assert battle(cluster).state == "expired"
    assert constellation(cluster, "north").engagement is constellation(cluster, "south").engagement is None
    assert rating(cluster, "north") == 1000


def test_the_time_until_which_a_challenge_stood_stays_when_it_is_accepted(cluster: Cluster) -> None:
    assert started(cluster).expires_at == after(24 * 3600)


def test_a_constellation_in_a_battle_cannot_be_dissolved(cluster: Cluster) -> None:
    started(cluster)
    assert reasons(cluster.send(DissolveConstellation(), "ada", NOON)) == ["in_a_battle"]


# --- steps that got lost ----------------------------------------------------------------------------------------------


def lossy(lost: type) -> Lossy:
    cluster = Lossy()
    cluster.aside = []
    two_sides(cluster)
    cluster.lost = lost
    return cluster


@pytest.mark.parametrize("lost", [BattleProposed, EngagementRequested])
def test_a_challenge_that_got_stuck_frees_the_challenger(lost: type) -> None:
    cluster = lossy(lost)
    challenge(cluster)
    assert constellation(cluster, "north").engagement is not None
    cluster.tick(after(60))
    assert constellation(cluster, "north").engagement is None
    cluster.replay()
    cluster.tick(after(120))
    assert constellation(cluster, "north").engagement is constellation(cluster, "south").engagement is None


@pytest.mark.parametrize("lost", [EngagementAnswered, SideRequested, SideFixed])
def test_a_battle_asks_again_where_an_answer_is_missing(lost: type) -> None:
    cluster = lossy(lost)
    challenge(cluster)
    cluster.lost = type(None) if lost is EngagementAnswered else lost
    cluster.tick(after(60))
    assert battle(cluster).state == "challenged"
    cluster.send(AcceptBattle(battle_id="b-1"), "eve", after(61))
    cluster.lost = type(None)
    cluster.tick(after(200))
    assert battle(cluster).state == "running"
    cluster.replay()
    assert battle(cluster).state == "running"


def test_a_battle_asks_members_whose_final_points_are_missing() -> None:
    cluster = lossy(type(None))
    challenge(cluster)
    cluster.send(AcceptBattle(battle_id="b-1"), "eve", NOON)
    cluster.lost = PointsReported
    cluster.tick(CLOSED)
    assert battle(cluster).state == "running"
    cluster.lost = type(None)
    cluster.tick(Instant(CLOSED + 60_000_000))
    assert battle(cluster).state == "completed"
    cluster.replay()
    assert battle(cluster).state == "completed"
