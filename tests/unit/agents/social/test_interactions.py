"""Interactions between people: limits, refusals, follows and friends, ratings, as domain.md section 6 states them."""

from __future__ import annotations

import pytest

from streams.events.battles import AcceptBattle
from streams.events.constellations import CreateConstellation, JoinConstellation
from streams.events.notifications import Notified
from streams.events.social import (
    CreateProfile,
    Interact,
    Interacted,
    InteractionReceived,
    SocialCommandRejected,
    SocialRatingChanged,
    Unfollow,
    Unfollowed,
)
from streams.events.user import (
    AccountClosed,
    AccountRegistered,
    AccountReinstated,
    AccountSuspended,
    ProfileChanged,
)
from tables.social_people import SOCIAL_FEED, SOCIAL_PEOPLE, SOCIAL_PROFILES
from tests.unit.agents.cluster import of_type
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.social.community import AT, Community, reasons

KINDS = ["like", "comment", "share", "endorse", "follow", "report"]


@pytest.fixture
def community() -> Community:
    return Community()


@pytest.mark.parametrize("kind", KINDS)
def test_an_interaction_is_counted_at_the_target_and_is_a_fact_of_the_actor(community: Community, kind: str) -> None:
    events = community.interact("ada", kind, "bob")
    assert [(one.target, one.kind) for one in of_type(events, Interacted)] == [("bob", kind)]
    [fact] = [event for event in events if isinstance(event.data, Interacted)]
    assert fact.partitionkey == "ada"
    bob = community.person("bob")
    counts = {
        "like": bob.likes,
        "comment": bob.comments,
        "share": bob.shares,
        "endorse": bob.endorsements,
        "follow": bob.followers,
        "report": bob.reports,
    }
    assert counts == {one: int(one == kind) for one in KINDS}


def test_no_self_interaction(community: Community) -> None:
    for kind in KINDS:
        assert reasons(community.interact("ada", kind, "ada")) == ["self_interaction"]


@pytest.mark.parametrize("target", ["nobody", "sub", "hidden", "closed"])
def test_an_unknown_user_a_sub_account_and_a_private_or_closed_user_are_refused_alike(
    community: Community, target: str
) -> None:
    community.send(AccountRegistered(user_id="sub", role="user", parent_id="bob"), "sub", AT)
    for user in ("hidden", "closed"):
        community.register(user)
    community.send(ProfileChanged(user_id="hidden", private=True), "hidden", AT)
    community.send(AccountClosed(user_id="closed"), "closed", AT)
    events = community.interact("ada", "follow", target)
    assert reasons(events) == ["unknown_user"]
    assert not of_type(events, Interacted)
    assert community.followed("ada") == {}


def test_a_refused_interaction_does_not_count_towards_the_hourly_limit(community: Community) -> None:
    for _ in range(30):
        assert reasons(community.interact("ada", "like", "nobody")) == ["unknown_user"]
    assert reasons(community.interact("ada", "like", "bob")) == []


def test_at_most_ten_interactions_an_hour(community: Community) -> None:
    for minute in range(10):
        assert not reasons(community.interact("ada", "like", "bob", f"2026-01-05T12:{minute:02d}:00Z"))
    for at in ("2026-01-05T12:10:00Z", "2026-01-05T12:59:59Z"):
        [rejected] = of_type(community.interact("ada", "like", "carol", at), SocialCommandRejected)
        assert (rejected.reason, rejected.subject_id) == ("hourly_limit", "carol")
        assert rejected.free_at is not None
        assert rejected.free_at.text() == "2026-01-05T13:00:00Z"
    assert not reasons(community.interact("ada", "like", "carol", "2026-01-05T13:00:00Z"))
    assert reasons(community.interact("ada", "like", "carol", "2026-01-05T13:00:59Z")) == ["hourly_limit"]
    assert community.person("bob").likes == 10
    assert community.person("carol").likes == 1


def test_the_hourly_limit_holds_for_commands_out_of_the_order_of_their_times(community: Community) -> None:
    for minute in range(9):
        community.interact("ada", "like", "bob", f"2026-01-05T12:{30 + minute}:00Z")
    assert not reasons(community.interact("ada", "like", "bob", "2026-01-05T12:10:00Z"))
    assert reasons(community.interact("ada", "like", "bob", "2026-01-05T12:09:00Z")) == ["hourly_limit"]
    assert reasons(community.interact("ada", "like", "bob", "2026-01-05T12:50:00Z")) == ["hourly_limit"]


def test_a_suspended_account_loses_its_commands_until_it_is_reinstated(community: Community) -> None:
    community.send(AccountSuspended(user_id="ada"), "ada", AT)
    assert reasons(community.interact("ada", "like", "bob")) == ["account_suspended"]
    assert reasons(community.share("ada", "c-1")) == ["account_suspended"]
    assert reasons(community.send(CreateProfile(display_name="Ada"), "ada", AT)) == ["account_suspended"]
    assert reasons(community.unfollow("ada", "bob")) == ["account_suspended"]
    for command in (
        CreateConstellation(constellation_id="north", name="North"),
        JoinConstellation(constellation_id="north"),
        AcceptBattle(battle_id="b-1"),
    ):
        assert reasons(community.send(command, "ada", AT)) == ["account_suspended"]
    assert reasons(community.interact("bob", "like", "ada")) == ["user_suspended"]
    community.send(AccountReinstated(user_id="ada"), "ada", AT)
    assert reasons(community.interact("ada", "like", "bob")) == []


# --- follows ----------------------------------------------------------------------------------------------------------


def test_a_follow_that_stands_is_no_interaction_again(community: Community) -> None:
    community.interact("ada", "follow", "bob")
    assert reasons(community.interact("ada", "follow", "bob")) == ["already_followed"]
    assert community.person("bob").followers == 1


def test_friends_follow_each_other(community: Community) -> None:
    community.interact("ada", "follow", "bob")
    assert not community.followed("ada")["bob"].friend
    community.interact("bob", "follow", "ada")
    assert community.followed("ada")["bob"].friend
    assert community.followed("bob")["ada"].friend
    community.unfollow("ada", "bob")
    assert "bob" not in community.followed("ada")
    assert not community.followed("bob")["ada"].friend


def test_two_users_who_follow_each_other_at_once_are_friends(community: Community) -> None:
    community.post(Interact(target="bob", kind="follow"), "ada", AT)
    community.post(Interact(target="ada", kind="follow"), "bob", AT)
    community.run()
    assert community.followed("ada")["bob"].friend
    assert community.followed("bob")["ada"].friend


def test_unfollow_takes_the_follower_away(community: Community) -> None:
    community.interact("ada", "follow", "bob")
    assert of_type(community.unfollow("ada", "bob"), Unfollowed) == [Unfollowed(target="bob")]
    assert community.person("bob").followers == 0
    assert reasons(community.unfollow("ada", "bob")) == ["not_followed"]


def test_a_follow_that_is_withdrawn_before_its_answer_ends_with_the_answer(community: Community) -> None:
    community.post(Interact(target="bob", kind="follow"), "ada", AT)
    community.post(Unfollow(target="bob"), "ada", AT)
    community.post(Interact(target="bob", kind="follow"), "ada", AT)
    events = community.run()
    assert reasons(events) == ["follow_pending"]
    assert len(of_type(events, Unfollowed)) == 1
    assert not of_type(events, Interacted)
    assert community.followed("ada") == {}
    assert community.person("bob").followers == 0


def test_a_user_follows_at_most_as_many_as_the_rule_book_says() -> None:
    small = rulebook_with({"social": {"people": {"follows_max": 2}}})
    community = Community(["ada", "bob", "carol", "dave"], small)
    for target in ("bob", "carol"):
        assert not reasons(community.interact("ada", "follow", target))
    assert reasons(community.interact("ada", "follow", "dave")) == ["follows_limit"]
    community.unfollow("ada", "bob")
    assert not reasons(community.interact("ada", "follow", "dave"))


def test_a_closed_account_follows_no_one_and_shows_nothing(community: Community) -> None:
    community.send(CreateProfile(display_name="Ada"), "ada", AT)
    community.interact("ada", "follow", "bob")
    community.interact("bob", "follow", "ada")
    community.share("ada", "c-1")
    community.send(AccountClosed(user_id="ada"), "ada", AT)
    assert community.person("bob").followers == 0
    assert not community.followed("bob")["ada"].friend
    assert community.followed("ada") == {}
    assert "ada" not in community.rows(SOCIAL_PROFILES)
    assert "ada" not in community.rows(SOCIAL_FEED)
    assert community.rows(SOCIAL_PEOPLE)["ada"].closed
    assert reasons(community.interact("ada", "like", "bob")) == ["account_closed"]


def test_events_that_kafka_delivers_again_change_nothing_and_emit_nothing() -> None:
    community = Community(at_least_once=True)
    community.share("ada", "c-1")
    for kind in KINDS:
        community.interact("bob", kind, "ada")
    community.interact("ada", "follow", "bob")
    community.unfollow("bob", "ada")
    before = community.stored("social")
    assert community.repeated("social") == []
    assert community.stored("social") == before


# --- notifications ----------------------------------------------------------------------------------------------------


def test_a_follow_and_an_endorsement_notify_the_target(community: Community) -> None:
    found = []
    for kind in KINDS:
        events = community.interact("ada", kind, "bob")
        received = {event.id for event in events if isinstance(event.data, InteractionReceived)}
        for event in events:
            if isinstance(event.data, Notified):
                assert event.partitionkey == "bob"
                assert event.data.cause_id in received
                assert event.data.arguments == {"actor": "ada"}
                found.append(event.data.kind)
    assert found == ["endorsement", "follow"]


def test_nobody_is_told_of_a_report(community: Community) -> None:
    events = community.interact("ada", "report", "bob")
    assert not of_type(events, InteractionReceived)
    assert not of_type(events, Notified)


# --- rating -----------------------------------------------------------------------------------------------------------


def test_the_social_rating_starts_at_50_and_an_endorsement_adds_at_most_2(community: Community) -> None:
    [changed] = of_type(community.interact("ada", "endorse", "bob"), SocialRatingChanged)
    assert (changed.before_ppm, changed.rating_ppm) == (50_000_000, 52_000_000)
    assert (changed.endorsements, changed.reports) == (1, 0)


def test_an_endorsement_adds_less_after_the_fifth(community: Community) -> None:
    gains = []
    for _ in range(7):
        [changed] = of_type(community.interact("ada", "endorse", "bob"), SocialRatingChanged)
        gains.append(changed.rating_ppm - changed.before_ppm)
    assert gains == [2_000_000] * 6 + [1_666_666]


def test_a_report_takes_10_percent_and_at_most_5(community: Community) -> None:
    ratings = []
    for _ in range(3):
        [changed] = of_type(community.interact("ada", "report", "bob"), SocialRatingChanged)
        ratings.append(changed.rating_ppm)
    assert ratings == [45_000_000, 40_500_000, 36_450_000]
