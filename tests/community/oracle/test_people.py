import pytest

from tests.community.oracle.people import is_free, rating_after
from tests.community.oracle.social_numbers import HOUR, POINT, PeopleNumbers, SocialNumbers
from tests.community.oracle.social_world import NOON, World, after

NUMBERS = PeopleNumbers()


@pytest.fixture
def world() -> World:
    return World("ada", "bob", "carol")


def test_a_social_rating_starts_at_50_and_an_endorsement_adds_10_divided_by_those_before_and_at_most_2() -> None:
    rating, gains = NUMBERS.rating_first, []
    for received in range(8):
        raised = rating_after("endorse", rating, received, NUMBERS)
        gains.append(raised - rating)
        rating = raised
    assert gains == [2 * POINT] * 6 + [1_666_666, 1_428_571]
    assert rating_after("endorse", 99 * POINT, 0, NUMBERS) == 100 * POINT


def test_a_report_takes_10_percent_and_at_most_5() -> None:
    assert [rating_after("report", rating * POINT, 0, NUMBERS) for rating in (100, 50, 45)] == [
        95 * POINT,
        45 * POINT,
        40_500_000,
    ]


def test_at_most_ten_interactions_an_hour() -> None:
    ten = [NOON] * 10
    assert not is_free(ten, NOON + HOUR - 1, 10)
    assert is_free(ten, NOON + HOUR, 10)
    assert not is_free(ten, NOON - HOUR + 1, 10)


def test_an_interaction_counts_at_the_target_and_only_an_accepted_one_counts_for_the_hour(world: World) -> None:
    world.do("Interact", "ada", target="nobody", kind="like")
    assert world.row("social-interactions", "ada") is None
    world.do("Interact", "ada", target="bob", kind="like")
    assert world.row("social-interactions", "ada") == {"times": [NOON]}
    assert world.row("social-people", "bob")["likes"] == 1
    assert world.told.interactions == [("ada", "like")]


@pytest.mark.parametrize(("name", "data"), [("AccountSuspended", {}), ("ProfileChanged", {"private": True})])
def test_a_suspended_and_a_private_user_cannot_be_acted_on(world: World, name: str, data: dict[str, bool]) -> None:
    world.do(name, "bob", user_id="bob", **data)
    world.do("Interact", "ada", target="bob", kind="like")
    assert world.told.interactions == []


def test_a_suspended_account_loses_its_commands_until_it_is_reinstated(world: World) -> None:
    world.do("AccountSuspended", "ada", user_id="ada")
    world.do("Interact", "ada", target="bob", kind="like")
    world.do("CreateConstellation", "ada", constellation_id="north", name="North")
    assert (world.told.interactions, world.told.founded) == ([], [])
    world.do("AccountReinstated", "ada", user_id="ada")
    world.do("Interact", "ada", target="bob", kind="like")
    assert world.told.interactions == [("ada", "like")]


def test_friends_follow_each_other(world: World) -> None:
    world.do("Interact", "ada", target="bob", kind="follow")
    world.do("Interact", "ada", target="bob", kind="follow")
    assert world.row("social-follows", "ada") == {"bob": {"since": NOON, "friend": False}}
    assert world.row("social-people", "bob")["followers"] == 1
    world.do("Interact", "bob", target="ada", kind="follow")
    assert world.row("social-follows", "ada")["bob"]["friend"]
    world.do("Unfollow", "ada", target="bob")
    assert world.row("social-follows", "ada") is None
    assert not world.row("social-follows", "bob")["ada"]["friend"]
    assert world.told.notified == [("bob", "follow"), ("ada", "follow")]


def test_a_closed_account_follows_no_one_and_shows_nothing(world: World) -> None:
    world.do("CreateProfile", "ada", display_name="Ada")
    world.do("Interact", "ada", target="bob", kind="follow")
    world.do("ShareContent", "ada", content_id="c-1", kind="trade", platform="reddit")
    world.do("AccountClosed", "ada", user_id="ada")
    assert world.row("social-people", "bob")["followers"] == 0
    for table in ("social-profiles", "social-follows", "social-contents", "social-feed", "social-interactions"):
        assert world.row(table, "ada") is None


def test_the_viral_score_adds_the_weights_of_the_platforms_exactly_in_tenths(world: World) -> None:
    world.do("ShareContent", "ada", content_id="c-1", kind="trade", platform="reddit")
    for platform in ("reddit", "twitter", "discord", "instagram", "telegram", "facebook"):
        world.do("ShareContent", "ada", content_id="c-1", platform=platform)
    assert world.row("social-people", "ada")["viral_tenths"] == 103
    world.do("Interact", "bob", target="ada", kind="share", content_id="c-1", platform="twitter")
    assert world.row("social-contents", "ada")["c-1"]["viral_tenths"] == 123


def test_a_viral_legend_has_5_contents_and_a_score_of_500() -> None:
    world = World("ada", numbers=SocialNumbers(people=PeopleNumbers(weights={"reddit": 1_000})))
    for number in range(4):
        world.do("ShareContent", "ada", content_id=f"c-{number}", kind="trade", platform="reddit")
    assert world.told.eligibles == []
    world.do("ShareContent", "ada", content_id="c-4", kind="trade", platform="reddit")
    assert world.told.eligibles == [("ada", "viral_legend")]


def test_a_user_makes_at_most_20_contents_a_day(world: World) -> None:
    for number in range(21):
        world.do("ShareContent", "ada", content_id=f"c-{number}", kind="trade", platform="reddit")
    assert world.row("social-people", "ada")["contents"] == 20
    world.do("ShareContent", "ada", at=after(12 * 3600), content_id="c-21", kind="trade", platform="reddit")
    assert world.row("social-people", "ada")["contents"] == 21


def test_a_feed_keeps_the_newest_20_entries_and_rows_leave_out_a_moment_that_may_be_cut(world: World) -> None:
    for second in range(25):
        world.social.levelled("ada", second, after(second), (f"tick {second}",))
    levels = [int(one["arguments"]["level"]) for one in world.row("social-feed", "ada")["entries"]]
    assert levels == list(range(24, 5, -1))


def test_the_prestige_of_a_person_is_what_the_user_has_now(world: World) -> None:
    world.social.prestige_reached("ada", "silver", NOON, ())
    assert world.row("social-people", "ada")["prestige"] == "silver"
    world.social.prestige_lost("ada", None, NOON, ())
    assert world.row("social-people", "ada")["prestige"] is None


def test_entries_that_changed_a_row_are_behind_it(world: World) -> None:
    liked = world.do("Interact", "ada", target="bob", kind="like")
    refused = world.do("Interact", "ada", target="nobody", kind="like")
    assert liked in world.social.folded("social-people", "bob")
    assert world.social.folded("social-interactions", "ada") == {liked, refused}
