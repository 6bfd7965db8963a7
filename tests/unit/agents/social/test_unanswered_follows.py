"""Follows whose request or answer comes late: the place is released by the clock, and what comes later is undone."""

from __future__ import annotations

import pytest

from streams.events.people_steps import InteractionDecided, InteractionRequested
from streams.events.social import Interact, Interacted, Unfollow
from streams.events.user import ProfileChanged
from streams.times import SECOND_US, Instant
from tables.social_people import SOCIAL_INTERACTIONS
from tests.unit.agents.cluster import of_type
from tests.unit.agents.social.community import AT, Community, reasons
from tests.unit.agents.social.test_constellations import Lossy

LATE = "2026-01-05T12:02:00Z"


class LossyCommunity(Lossy, Community):
    """A community whose workers set aside the events of one class, as they do with dead letters."""


def after(seconds: int) -> Instant:
    return Instant(Instant.parse(AT) + seconds * SECOND_US)


@pytest.fixture
def community() -> LossyCommunity:
    """Bob follows ada. The request of ada's follow is set aside."""
    community = LossyCommunity()
    community.aside = []
    community.interact("bob", "follow", "ada")
    community.lost = InteractionRequested
    community.interact("ada", "follow", "bob")
    assert community.followed("ada")["bob"].request_id
    return community


def places(community: Community, user: str) -> int:
    row = community.row(SOCIAL_INTERACTIONS, user)
    return 0 if row is None else len(row.times)


def check_consistent(community: Community) -> None:
    """Check that counts of followers and marks of friends agree with the follows."""
    for user, other in (("ada", "bob"), ("bob", "ada")):
        assert community.person(other).followers == (other in community.followed(user))
        if other in community.followed(user):
            assert community.followed(user)[other].friend == (user in community.followed(other))


def test_a_follow_that_is_not_answered_within_60_seconds_is_released(community: LossyCommunity) -> None:
    assert reasons(community.tick(after(59))) == []
    assert places(community, "ada") == 1
    assert reasons(community.tick(after(60))) == ["expired"]
    assert (community.followed("ada"), places(community, "ada")) == ({}, 0)
    assert reasons(community.tick(after(120))) == []


@pytest.mark.parametrize("lost", [InteractionRequested, InteractionDecided])
def test_a_late_acceptance_of_a_released_follow_is_undone(lost: type) -> None:
    community = LossyCommunity()
    community.aside = []
    community.interact("bob", "follow", "ada")
    community.lost = lost
    community.interact("ada", "follow", "bob")
    community.tick(after(60))
    assert of_type(community.replay(), Interacted) == []
    assert community.followed("ada") == {}
    check_consistent(community)


def test_a_follow_that_was_asked_for_again_stands_after_the_late_acceptance_of_the_first(
    community: LossyCommunity,
) -> None:
    community.tick(after(60))
    community.lost = type(None)
    community.interact("ada", "follow", "bob", at=LATE)
    community.replay()
    assert community.followed("ada")["bob"].friend
    check_consistent(community)


def test_a_follow_that_is_refused_after_an_earlier_one_was_accepted_late_leaves_no_friend() -> None:
    community = LossyCommunity()
    community.aside = []
    community.interact("bob", "follow", "ada")
    community.lost = InteractionDecided
    community.interact("ada", "follow", "bob")  # bob's partition accepts it, and the answer is set aside
    community.tick(after(60))
    community.lost = type(None)
    community.send(ProfileChanged(user_id="bob", private=True), "bob", LATE)
    community.post(Interact(target="bob", kind="follow"), "ada", LATE)
    assert reasons(community.replay()) == ["unknown_user"]  # the first answer comes before that of the second request
    assert community.followed("ada") == {}
    check_consistent(community)


def test_a_withdrawn_follow_that_is_not_answered_is_released_in_silence(community: LossyCommunity) -> None:
    community.send(Unfollow(target="bob"), "ada", AT)
    assert reasons(community.interact("ada", "follow", "bob")) == ["follow_pending"]
    assert reasons(community.tick(after(60))) == []
    assert community.followed("ada") == {}
    community.replay()
    check_consistent(community)
