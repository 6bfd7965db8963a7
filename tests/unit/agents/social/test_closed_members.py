"""Closed accounts leave their constellation: slot, roster, ownership, challenges and battles."""

from __future__ import annotations

from random import Random

import pytest

from streams.events import AnyEvent
from streams.events.battles import AcceptBattle
from streams.events.constellation_steps import MembershipGranted, NameClaimed
from streams.events.constellations import (
    ChangeMemberRole,
    ConstellationDissolved,
    ConstellationJoined,
    ConstellationLeft,
    CreateConstellation,
    DissolveConstellation,
    JoinConstellation,
)
from streams.events.user import AccountClosed
from streams.times import Instant
from tables.social_constellations import SOCIAL_NAMES, SOCIAL_RATINGS, rating_key
from tests.unit.agents.cluster import Cluster, of_type
from tests.unit.agents.social.clans import (
    NOON,
    after,
    battle,
    challenge,
    constellation,
    found,
    join,
    members,
    reasons,
    slot,
    started,
    trade,
    two_sides,
)


def rating(cluster: Cluster, constellation_id: str) -> bytes | None:
    worker = cluster.workers[cluster.partition_of(constellation_id)]["social"]
    return worker.maps[SOCIAL_RATINGS.name].get(rating_key(constellation_id).encode())


def close(cluster: Cluster, user: str, at: Instant = NOON) -> list[AnyEvent]:
    return cluster.send(AccountClosed(user_id=user), user, at)


def promote(cluster: Cluster, member: str, role: str, by: str = "ada") -> None:
    cluster.send(ChangeMemberRole.of({"member": member, "role": role}), by, NOON)


def test_a_closed_member_leaves_and_its_place_is_free(cluster: Cluster) -> None:
    found(cluster, "ada", "north", cap=5)
    join(cluster, "north", "bob", "cyd", "dan", "eve")
    assert reasons(join(cluster, "north", "fay")) == ["constellation_full"]
    [left] = of_type(close(cluster, "bob"), ConstellationLeft)
    assert (left.constellation_id, left.reason) == ("north", "closed")
    assert slot(cluster, "bob") is None
    assert constellation(cluster, "north").members == 4
    assert reasons(join(cluster, "north", "fay")) == []
    assert list(members(cluster, "north")) == ["ada", "cyd", "dan", "eve", "fay"]


def test_the_ownership_of_a_closed_account_passes_to_the_highest_role_then_to_the_longest_member(
    cluster: Cluster,
) -> None:
    found(cluster, "ada", "north")
    join(cluster, "north", "bob", "cyd", "dan", "eve")
    promote(cluster, "bob", "member")
    promote(cluster, "cyd", "admin")
    promote(cluster, "dan", "admin")
    heirs = []
    for owner in ("ada", "cyd", "dan", "bob"):
        close(cluster, owner)
        assert slot(cluster, owner) is None
        heirs.append(constellation(cluster, "north").owner)
        assert members(cluster, "north")[heirs[-1]] == "owner"
    assert heirs == ["cyd", "dan", "bob", "eve"]
    assert of_type(cluster.send(DissolveConstellation(), "eve", NOON), ConstellationDissolved)


def test_an_heir_leads_and_no_one_founds_by_inheriting(cluster: Cluster) -> None:
    found(cluster, "ada", "north")
    join(cluster, "north", "bob", "cyd")
    events = close(cluster, "ada")
    assert of_type(events, ConstellationJoined) == []
    assert reasons(cluster.send(ChangeMemberRole.of({"member": "cyd", "role": "admin"}), "bob", NOON)) == []
    assert members(cluster, "north") == {"bob": "owner", "cyd": "admin"}


def test_a_constellation_whose_last_member_closes_the_account_is_dissolved(cluster: Cluster) -> None:
    found(cluster, "ada", "north", "Lights")
    assert of_type(close(cluster, "ada", after(5)), ConstellationDissolved)
    assert (constellation(cluster, "north").dissolved_at, slot(cluster, "ada")) == (after(5), None)
    assert cluster.rows(SOCIAL_NAMES) == {}
    assert rating(cluster, "north") is None
    assert of_type(found(cluster, "bob", "again", "Lights"), ConstellationJoined)


def test_a_closed_account_without_a_constellation_changes_nothing(cluster: Cluster) -> None:
    found(cluster, "ada", "north")
    assert of_type(close(cluster, "zoe"), ConstellationLeft) == []
    assert members(cluster, "north") == {"ada": "owner"}


@pytest.mark.parametrize("by", ["ada", "eve"])
def test_an_open_challenge_ends_with_the_last_member_of_a_side(cluster: Cluster, by: str) -> None:
    found(cluster, "ada", "north")
    found(cluster, "eve", "south")
    challenge(cluster)
    close(cluster, by)
    assert battle(cluster).state == "declined"
    other = "south" if by == "ada" else "north"
    assert constellation(cluster, other).engagement is None


def test_a_battle_goes_on_without_a_side_that_is_gone_and_rates_the_other(cluster: Cluster) -> None:
    begun = started(cluster)
    trade(cluster, "ada", "t-1", "50.00", Instant(begun.starts_at))
    for user in ("ada", "bob"):
        close(cluster, user, Instant(begun.starts_at + 1))
    assert constellation(cluster, "north").dissolved_at
    for seconds in (61, 122):
        cluster.tick(Instant(begun.ends_at + seconds * 1_000_000))
    over = battle(cluster)
    assert (over.state, over.winner) == ("completed", "north")
    assert constellation(cluster, "south").rating == 990
    assert rating(cluster, "north") is None


def test_a_member_of_a_running_battle_who_closes_the_account_keeps_the_points(cluster: Cluster) -> None:
    begun = started(cluster)
    trade(cluster, "bob", "t-1", "50.00", Instant(begun.starts_at))
    close(cluster, "bob", Instant(begun.starts_at + 1))
    for seconds in (61, 122):
        cluster.tick(Instant(begun.ends_at + seconds * 1_000_000))
    assert (battle(cluster).winner, constellation(cluster, "north").rating) == ("north", 1_020)


def test_a_closed_leader_cannot_answer_and_the_heir_can(cluster: Cluster) -> None:
    two_sides(cluster)
    challenge(cluster)
    close(cluster, "eve")
    assert reasons(cluster.send(AcceptBattle(battle_id="b-1"), "fay", NOON)) == []
    assert battle(cluster).state == "running"


class Held(Cluster):
    """A cluster that holds back events of some classes."""

    classes: tuple[type, ...] = ()

    def __init__(self) -> None:
        super().__init__(random=Random(1))
        self.held: list[AnyEvent] = []

    def _append(self, event: AnyEvent, partition: int, topic: str = "") -> None:
        if isinstance(event.data, self.classes):
            self.held.append(event)
        else:
            super()._append(event, partition, topic)

    def release(self) -> None:
        self.classes, held, self.held = (), self.held, []
        for event in held:
            self.repeat(event)


def test_an_account_that_is_closed_while_it_joins_is_no_member() -> None:
    cluster = Held()
    found(cluster, "ada", "north")
    cluster.classes = (MembershipGranted,)
    cluster.send(JoinConstellation(constellation_id="north"), "bob", NOON)
    assert set(members(cluster, "north")) == {"ada", "bob"}
    close(cluster, "bob")
    cluster.release()
    assert (members(cluster, "north"), slot(cluster, "bob")) == ({"ada": "owner"}, None)


def test_an_account_that_is_closed_while_it_founds_leaves_no_name_behind() -> None:
    cluster = Held()
    cluster.classes = (NameClaimed,)
    cluster.send(CreateConstellation(constellation_id="north", name="Lights"), "ada", NOON)
    close(cluster, "ada")
    cluster.release()
    assert (members(cluster, "north"), slot(cluster, "ada"), cluster.rows(SOCIAL_NAMES)) == ({}, None, {})


def test_an_heir_whose_grant_is_on_its_way_is_confirmed_as_one_who_joined() -> None:
    cluster = Held()
    found(cluster, "ada", "north")
    cluster.classes = (MembershipGranted,)
    cluster.send(JoinConstellation(constellation_id="north"), "bob", NOON)
    [joined] = of_type(close(cluster, "ada"), ConstellationJoined)
    assert joined.role == "recruit", "only a founder joins as owner"
    cluster.release()
    assert (members(cluster, "north"), slot(cluster, "bob")) == ({"bob": "owner"}, ("member", "north"))
