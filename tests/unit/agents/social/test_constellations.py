"""The rules of constellations: one membership a user, unique names, roles, caps and levels."""

from __future__ import annotations

from typing import Any

import pytest

from streams.events import AnyEvent
from streams.events.constellation_steps import (
    MembershipGranted,
    MembershipQueried,
    MembershipRequested,
    NameClaimed,
    NameClaimRequested,
    NameQueried,
)
from streams.events.constellations import (
    ChangeMemberRole,
    ConstellationCreated,
    ConstellationDissolved,
    ConstellationJoined,
    ConstellationLeft,
    ConstellationLevelUp,
    ContributeShards,
    ContributionRequested,
    DissolveConstellation,
    LeaveConstellation,
    LiftBan,
    RemoveMember,
)
from streams.events.financial import ContributionRefused
from streams.events.notifications import Notified
from streams.events.social import SocialCommandRejected
from tables.social_constellations import SOCIAL_MEMBERSHIPS, SOCIAL_NAMES, SOCIAL_RATINGS, name_key, rating_key
from tests.unit.agents.cluster import Cluster, of_type
from tests.unit.agents.social.clans import (
    NOON,
    after,
    constellation,
    contribute,
    found,
    join,
    members,
    reasons,
    slot,
)


@pytest.fixture
def north(cluster: Cluster) -> Cluster:
    """A constellation of ada, with bob and cyd."""
    found(cluster, "ada", "north", "Northern Lights", cap=5)
    join(cluster, "north", "bob", "cyd")
    return cluster


def test_a_founder_owns_the_constellation_and_its_name(cluster: Cluster) -> None:
    events = found(cluster, "ada", "north", "Northern Lights")
    assert of_type(events, ConstellationCreated) == [
        ConstellationCreated(name="Northern Lights", owner="ada", members_max=50)
    ]
    assert of_type(events, ConstellationJoined) == [
        ConstellationJoined(constellation_id="north", name="Northern Lights", role="owner")
    ]
    assert slot(cluster, "ada") == ("member", "north")
    assert members(cluster, "north") == {"ada": "owner"}
    assert constellation(cluster, "north").rating == 1000
    assert cluster.row(SOCIAL_NAMES, name_key("Northern Lights")) is not None


@pytest.mark.parametrize("name", ["NORTHERN lights", "\uff2eorthern Lights", "Northern  Lights", "northern LIGHTS"])
def test_a_constellations_name_is_unique_without_regard_to_case_and_form(north: Cluster, name: str) -> None:
    assert reasons(found(north, "eve", "south", name)) == ["name_taken"]
    assert slot(north, "eve") is None
    assert reasons(found(north, "eve", "south", "Southern Lights")) == []


@pytest.mark.parametrize("name", ["ab", "x" * 41, " abc", "a\nb c", "ﷺ" * 40])
def test_a_name_has_3_to_40_printable_characters(cluster: Cluster, name: str) -> None:
    assert reasons(found(cluster, "ada", "north", name)) == ["invalid_name"]
    assert slot(cluster, "ada") is None


def test_a_user_owns_at_most_one_constellation(north: Cluster) -> None:
    assert reasons(found(north, "ada", "south", "Another")) == ["already_member"]
    assert north.row(SOCIAL_NAMES, name_key("Another")) is None


def test_a_user_belongs_to_at_most_one_constellation(north: Cluster) -> None:
    found(north, "eve", "south")
    assert reasons(join(north, "south", "bob")) == ["already_member"]
    assert reasons(found(north, "bob", "west", "West")) == ["already_member"]
    assert members(north, "south") == {"eve": "owner"}


def test_a_constellation_has_at_most_its_cap_of_members(north: Cluster) -> None:
    assert reasons(join(north, "north", "dan", "eli", "fay")) == ["constellation_full"]
    assert len(members(north, "north")) == constellation(north, "north").members == 5
    assert slot(north, "fay") is None


def test_the_default_cap_is_50_and_the_greatest_200(cluster: Cluster) -> None:
    found(cluster, "ada", "north")
    assert constellation(cluster, "north").members_max == 50
    assert reasons(found(cluster, "eve", "south", cap=201)) == ["too_many_members"]


def test_the_owner_cannot_leave(north: Cluster) -> None:
    assert reasons(north.send(LeaveConstellation(), "ada", NOON)) == ["owner_cannot_leave"]
    assert slot(north, "ada") == ("member", "north")


def test_a_member_who_leaves_may_join_another(north: Cluster) -> None:
    left = north.send(LeaveConstellation(), "bob", NOON)
    assert of_type(left, ConstellationLeft) == [ConstellationLeft(constellation_id="north", reason="left")]
    assert members(north, "north") == {"ada": "owner", "cyd": "recruit"}
    assert reasons(found(north, "bob", "south")) == []


def test_a_dissolved_constellation_frees_its_members_and_its_name(north: Cluster) -> None:
    assert reasons(north.send(DissolveConstellation(), "bob", NOON)) == ["not_the_owner"]
    gone = north.send(DissolveConstellation(), "ada", NOON)
    assert of_type(gone, ConstellationDissolved) == [ConstellationDissolved(name="Northern Lights")]
    assert [left.reason for left in of_type(gone, ConstellationLeft)] == ["dissolved"] * 3
    assert [slot(north, user) for user in ("ada", "bob", "cyd")] == [None] * 3
    assert reasons(join(north, "north", "bob")) == ["unknown_constellation"]
    assert reasons(found(north, "bob", "north", "Again")) == ["constellation_exists"]
    assert north.row(SOCIAL_NAMES, name_key("Again")) is None
    assert reasons(found(north, "bob", "west", "Northern Lights")) == []
    worker = north.workers[north.partition_of("north")]["social"]
    assert rating_key("north").encode() not in worker.maps[SOCIAL_RATINGS.name]


def test_only_the_owner_changes_roles(north: Cluster) -> None:
    assert reasons(north.send(ChangeMemberRole(member="cyd", role="admin"), "bob", NOON)) == ["not_the_owner"]
    assert reasons(north.send(ChangeMemberRole(member="eve", role="admin"), "ada", NOON)) == ["unknown_member"]
    assert reasons(north.send(ChangeMemberRole(member="ada", role="admin"), "ada", NOON)) == ["owner_keeps_role"]
    north.send(ChangeMemberRole(member="bob", role="admin"), "ada", NOON)
    assert members(north, "north") == {"ada": "owner", "bob": "admin", "cyd": "recruit"}


def test_an_admin_removes_members_and_the_owner_removes_admins(north: Cluster) -> None:
    assert reasons(north.send(RemoveMember(member="bob"), "cyd", NOON)) == ["role_too_low"]
    north.send(ChangeMemberRole(member="bob", role="admin"), "ada", NOON)
    assert reasons(north.send(RemoveMember(member="ada"), "bob", NOON)) == ["role_too_low"]
    assert reasons(north.send(RemoveMember(member="ada"), "ada", NOON)) == ["owner_cannot_leave"]
    assert reasons(north.send(RemoveMember(member="eve"), "bob", NOON)) == ["unknown_member"]
    removed = north.send(RemoveMember(member="cyd"), "bob", NOON)
    assert of_type(removed, ConstellationLeft) == [ConstellationLeft(constellation_id="north", reason="removed")]
    north.send(RemoveMember(member="bob"), "ada", NOON)
    assert members(north, "north") == {"ada": "owner"}
    assert reasons(join(north, "north", "bob")) == []


def test_a_banned_user_cannot_join(north: Cluster) -> None:
    north.send(RemoveMember(member="bob", ban=True), "ada", NOON)
    north.send(RemoveMember(member="eve", ban=True), "ada", NOON)
    assert reasons(join(north, "north", "bob", "eve")) == ["banned", "banned"]


def test_a_ban_is_lifted_by_the_owner_or_an_admin(north: Cluster) -> None:
    north.send(RemoveMember(member="bob", ban=True), "ada", NOON)
    assert reasons(north.send(LiftBan(member="bob"), "cyd", NOON)) == ["role_too_low"]
    assert reasons(north.send(LiftBan(member="eve"), "ada", NOON)) == ["not_banned"]
    assert reasons(north.send(LiftBan(member="bob"), "zoe", NOON)) == ["not_a_member"]
    assert reasons(north.send(LiftBan(member="bob"), "ada", NOON)) == []
    assert reasons(join(north, "north", "bob")) == []


def test_commands_of_a_user_without_a_constellation_are_rejected(cluster: Cluster) -> None:
    for command in (
        LeaveConstellation(),
        DissolveConstellation(),
        ChangeMemberRole(member="bob", role="admin"),
        RemoveMember(member="bob"),
        ContributeShards(amount=5),
    ):
        [rejected] = of_type(cluster.send(command, "ada", NOON), SocialCommandRejected)
        assert (rejected.command, rejected.reason) == (type(command).__name__, "not_a_member")
    assert reasons(join(cluster, "nowhere", "ada")) == ["unknown_constellation"]


def test_a_join_tells_the_owner_and_the_admins(north: Cluster) -> None:
    north.send(ChangeMemberRole(member="bob", role="admin"), "ada", NOON)
    told = [event for event in join(north, "north", "dan") if isinstance(event.data, Notified)]
    assert sorted(event.partitionkey for event in told) == ["ada", "bob"]
    assert {event.data.kind for event in told} == {"constellation_joined"}  # type: ignore[attr-defined]


def test_a_level_needs_10_000_shards_and_5_members_times_the_level(north: Cluster) -> None:
    assert of_type(contribute(north, "bob", "north", 10_000), ConstellationLevelUp) == []
    assert of_type(join(north, "north", "dan"), ConstellationLevelUp) == []
    events = join(north, "north", "eli")
    assert of_type(events, ConstellationLevelUp) == [ConstellationLevelUp(old=1, new=2, members=5, contributed=10_000)]
    assert len([one for one in of_type(events, Notified) if one.kind == "constellation_level_up"]) == 5
    assert of_type(contribute(north, "bob", "north", 10_000), ConstellationLevelUp) == []
    assert constellation(north, "north").contributed == 20_000


def test_a_contribution_goes_to_the_ledger_and_counts_when_it_was_paid(north: Cluster) -> None:
    events = north.send(ContributeShards(amount=70), "bob", NOON)
    [request] = of_type(events, ContributionRequested)
    assert (request.constellation_id, request.amount) == ("north", 70)
    refusal = ContributionRefused(contribution_id="c", constellation_id="north", reason="too_few_shards")
    assert reasons(north.send(refusal, "bob", NOON)) == ["too_few_shards"]
    before = constellation(north, "north").contributed
    contribute(north, "bob", "north", 70)
    assert constellation(north, "north").contributed == before + 70


def test_a_contribution_of_a_member_who_left_counts_for_the_constellation(north: Cluster) -> None:
    north.send(LeaveConstellation(), "bob", NOON)
    contribute(north, "bob", "north", 70)
    assert constellation(north, "north").contributed == 70


# --- reservations that stand too long ---------------------------------------------------------------------------------


class Lossy(Cluster):
    """A cluster whose workers set aside the events of one class, as they do with dead letters."""

    lost: type = type(None)
    aside: list[AnyEvent]

    def _append(self, event: AnyEvent, partition: int, topic: str = "") -> None:
        if isinstance(event.data, self.lost):
            self.aside.append(event)
        else:
            super()._append(event, partition, topic)

    def replay(self) -> list[AnyEvent]:
        """Append what was set aside."""
        self.lost, aside = type(None), self.aside
        return [followed for event in aside for followed in self.repeat(event)]


def lossy(lost: type) -> Lossy:
    cluster = Lossy()
    cluster.aside = []
    found(cluster, "ada", "north", "Northern Lights")
    cluster.lost = lost
    return cluster


def test_a_reservation_asks_to_be_cancelled_after_60_seconds_and_is_released() -> None:
    cluster = lossy(MembershipRequested)
    join(cluster, "north", "bob")
    assert slot(cluster, "bob") == ("reserving", "north")
    assert reasons(join(cluster, "north", "bob")) == ["reservation_pending"]
    assert of_type(cluster.tick(after(59)), MembershipQueried) == []
    assert reasons(cluster.tick(after(60))) == ["expired"]
    assert slot(cluster, "bob") is None


def test_a_reservation_that_the_constellation_has_confirmed_is_not_released() -> None:
    cluster = lossy(MembershipGranted)
    join(cluster, "north", "bob")
    cluster.lost = type(None)
    cluster.tick(after(60))
    assert slot(cluster, "bob") == ("member", "north")
    assert members(cluster, "north")["bob"] == "recruit"
    cluster.replay()
    assert slot(cluster, "bob") == ("member", "north")


def test_a_membership_that_the_slot_no_longer_wants_is_undone() -> None:
    cluster = lossy(MembershipRequested)
    join(cluster, "north", "bob")
    cluster.tick(after(60))
    assert slot(cluster, "bob") is None
    cluster.replay()
    assert members(cluster, "north") == {"ada": "owner"}
    assert slot(cluster, "bob") is None


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (RemoveMember(member="bob"), None),
        (DissolveConstellation(), None),
        (ChangeMemberRole(member="bob", role="admin"), ("member", "north")),
    ],
)
def test_a_grant_that_comes_after_a_later_decision_changes_nothing(command: Any, expected: Any) -> None:
    cluster = lossy(MembershipGranted)
    join(cluster, "north", "bob")
    cluster.send(command, "ada", NOON)
    cluster.replay()
    assert slot(cluster, "bob") == expected
    row = cluster.row(SOCIAL_MEMBERSHIPS, "bob")
    assert members(cluster, "north").get("bob") == (None if row is None else row.role)


@pytest.mark.parametrize("lost", [NameClaimRequested, NameClaimed])
def test_a_foundation_that_got_stuck_frees_slot_and_name(lost: type) -> None:
    cluster = lossy(lost)
    found(cluster, "eve", "south", "Southern Lights")
    assert slot(cluster, "eve") == ("reserving", "south")
    events = cluster.tick(after(60))
    assert len(of_type(events, NameQueried)) == 1
    assert slot(cluster, "eve") is None
    assert cluster.row(SOCIAL_NAMES, name_key("Southern Lights")) is None
    cluster.replay()
    assert slot(cluster, "eve") is None
    assert members(cluster, "south") == {}
    assert cluster.row(SOCIAL_NAMES, name_key("Southern Lights")) is None
