"""A feed of certain people ends when the row that names them names others."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from faust_redis.log import StoredRecord

from api.kit.feeds.change import Change, Changes, Reading
from api.kit.feeds.people import NamedPeople
from api.kit.feeds.permit import Lapse
from api.kit.feeds.subscriber import ResyncReason, Subscriber
from api.social.activity import followed_in
from api.social.rosters import members_of
from streams.times import Instant
from tables.social_constellations import Member, Roster
from tables.social_people import Follow, Follows

NOW = Instant(0)


def roster(*users: str, contributed: int = 0) -> bytes:
    listed = (
        Member(user_id=user, role="recruit", request_id="r", joined_at=0, contributed=contributed) for user in users
    )
    return Roster(members=tuple(listed)).dump()


def named(watched: Subscriber, reader: Lapse | None = None) -> NamedPeople:
    return NamedPeople(SimpleNamespace(lapsed=lambda _: reader), watched, members_of, members_of(roster("ada", "bob")))


def changed(watched: Subscriber, value: bytes | None) -> None:
    record = StoredRecord(0, 0, b"north", value)
    watched.offer(Changes([Change.of(0, record, Reading("north", ("north",), dict))]))


@pytest.fixture
def watched() -> Subscriber:
    return Subscriber(frozenset({"north"}), pending_max=10)


def test_a_feed_goes_on_while_the_row_names_the_same_people(watched: Subscriber) -> None:
    right = named(watched)
    assert right.lapsed(NOW) is None
    changed(watched, roster("ada", "bob", contributed=500))
    assert right.lapsed(NOW) is None


@pytest.mark.parametrize("value", [roster("ada"), roster("ada", "bob", "cyd"), None], ids=["left", "joined", "gone"])
def test_a_feed_ends_when_the_row_names_others(watched: Subscriber, value: bytes | None) -> None:
    right = named(watched)
    changed(watched, value)
    assert right.lapsed(NOW) is Lapse.CHANGED


def test_a_feed_ends_when_the_row_can_be_watched_no_more(watched: Subscriber) -> None:
    right = named(watched)
    watched.lose(ResyncReason.EPOCH)
    assert right.lapsed(NOW) is Lapse.CHANGED


def test_a_feed_of_people_ends_with_the_readers_own_right(watched: Subscriber) -> None:
    assert named(watched, Lapse.EXPIRED).lapsed(NOW) is Lapse.EXPIRED


def test_a_follow_that_waits_for_its_answer_names_no_one() -> None:
    row = Follows(followed={"bob": Follow(since=0), "cyd": Follow(since=0, request_id="r")}).dump()
    assert followed_in("ada", row) == ("ada", "bob")
    assert followed_in("ada", None) == ("ada",)
