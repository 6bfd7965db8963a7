import pytest

from tests.community.oracle.social_world import NOON, World, after

USERS = ("ada", "bob", "cyd", "dan", "eli", "fay", "gus")


@pytest.fixture
def world() -> World:
    world = World(*USERS)
    world.found("ada", "north", "bob", "cyd", name="Northern Lights", members_max=5)
    return world


def test_a_founder_owns_the_constellation_and_its_name(world: World) -> None:
    assert world.members("north") == {"ada": "owner", "bob": "recruit", "cyd": "recruit"}
    assert world.row("social-names", "northern lights")["constellation_id"] == "north"
    assert world.row("social-ratings", "north") == {"rating": 1_000, "reached_at": NOON}
    assert (world.told.founded, world.told.joined) == (["ada"], ["ada", "bob", "cyd"])
    assert world.told.eligibles == [("ada", "constellation_founder")]


@pytest.mark.parametrize("name", ["NORTHERN lights", "\uff2eorthern Lights", "Northern  Lights"])
def test_a_constellations_name_is_unique_without_regard_to_case_and_form(world: World, name: str) -> None:
    world.found("eli", "south", name=name)
    assert world.row("social-memberships", "eli") is None
    assert world.row("social-constellations", "south") is None


def test_a_user_belongs_to_at_most_one_constellation_and_owns_at_most_one(world: World) -> None:
    world.found("eli", "south", "bob")
    world.found("ada", "west")
    assert world.members("south") == {"eli": "owner"}
    assert world.members("west") == {}


def test_a_constellation_has_at_most_its_cap_of_members_and_50_by_default(world: World) -> None:
    for user in ("dan", "eli", "fay"):
        world.do("JoinConstellation", user, constellation_id="north")
    assert len(world.members("north")) == 5
    world.found("gus", "south")
    assert world.row("social-constellations", "south")["members_max"] == 50


def test_the_owner_cannot_leave_and_a_member_who_leaves_may_join_another(world: World) -> None:
    world.do("LeaveConstellation", "ada")
    world.do("LeaveConstellation", "bob")
    assert world.members("north") == {"ada": "owner", "cyd": "recruit"}
    world.found("bob", "south")
    assert world.members("south") == {"bob": "owner"}


def test_a_dissolved_constellation_frees_its_members_and_its_name(world: World) -> None:
    world.do("DissolveConstellation", "bob")
    assert world.members("north")
    world.do("DissolveConstellation", "ada")
    assert [world.row("social-memberships", user) for user in USERS] == [None] * len(USERS)
    assert world.row("social-ratings", "north") is None
    world.found("bob", "south", name="Northern Lights")
    assert world.members("south") == {"bob": "owner"}


def test_owner_and_admins_remove_members_and_the_owner_alone_removes_admins(world: World) -> None:
    world.do("RemoveMember", "bob", member="cyd")
    world.do("ChangeMemberRole", "bob", member="cyd", role="admin")
    assert world.members("north")["cyd"] == "recruit"
    for user in ("bob", "cyd"):
        world.do("ChangeMemberRole", "ada", member=user, role="admin")
    world.do("RemoveMember", "bob", member="cyd")
    world.do("RemoveMember", "bob", member="ada")
    assert world.members("north") == {"ada": "owner", "bob": "admin", "cyd": "admin"}
    world.do("RemoveMember", "ada", member="cyd")
    assert world.members("north") == {"ada": "owner", "bob": "admin"}


def test_a_banned_user_cannot_join(world: World) -> None:
    world.do("RemoveMember", "ada", member="bob", ban=True)
    world.do("RemoveMember", "ada", member="eli", ban=True)
    for user in ("bob", "eli"):
        world.do("JoinConstellation", user, constellation_id="north")
    assert world.members("north") == {"ada": "owner", "cyd": "recruit"}
    assert world.row("social-rosters", "north")["banned"] == ["bob", "eli"]


def test_a_level_needs_10_000_shards_and_5_members_times_the_level(world: World) -> None:
    world.do("ContributeShards", "bob", amount=10_000)
    world.do("JoinConstellation", "dan", constellation_id="north")
    assert world.row("social-constellations", "north")["level"] == 1
    world.do("JoinConstellation", "eli", constellation_id="north", at=after(5))
    assert world.row("social-constellations", "north")["level"] == 2
    assert [user for user, kind in world.told.notified if kind == "constellation_level_up"] == [
        "ada",
        "bob",
        "cyd",
        "dan",
        "eli",
    ]
    world.do("ContributeShards", "bob", amount=10_000)
    north = world.row("social-constellations", "north")
    assert (north["level"], north["contributed"]) == (2, 20_000)


def test_a_closed_account_leaves_and_its_ownership_passes_on(world: World) -> None:
    world.do("JoinConstellation", "dan", constellation_id="north")
    for user, role in (("cyd", "admin"), ("dan", "admin")):
        world.do("ChangeMemberRole", "ada", member=user, role=role)
    world.do("AccountClosed", "ada", user_id="ada")
    assert world.members("north") == {"bob": "recruit", "cyd": "owner", "dan": "admin"}
    assert world.row("social-memberships", "ada") is None
    assert world.row("social-constellations", "north")["owner"] == "cyd"
    world.do("AccountClosed", "dan", user_id="dan")
    world.do("AccountClosed", "cyd", user_id="cyd")
    assert world.members("north") == {"bob": "owner"}


def test_a_constellation_without_members_is_dissolved(world: World) -> None:
    for user in ("bob", "cyd", "ada"):
        world.do("AccountClosed", user, user_id=user)
    assert world.row("social-constellations", "north")["dissolved_at"]
    assert world.row("social-ratings", "north") is None
    world.found("dan", "south", name="Northern Lights")
    assert world.members("south") == {"dan": "owner"}
