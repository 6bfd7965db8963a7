"""Subscribers of a board get the difference between its rows and the rows that they already have."""

from __future__ import annotations

import orjson
from faust_redis.log import Position

from api.gamification.tops import Shown


def shown(**rows: int) -> Shown:
    return Shown(Position("boards", "e", {0: 1}), {user: orjson.dumps(rank) for user, rank in rows.items()})


def test_changed_rows_and_users_who_left_are_sent() -> None:
    delta = shown(ada=1, cy=2).since(shown(ada=1, bob=2, cy=3))
    assert delta is not None
    assert orjson.loads(delta) == {"rows": [2], "removed": ["bob"]}


def test_nothing_is_sent_when_nothing_changed() -> None:
    now = shown(ada=1)
    assert now.since(now) is None
    assert now.since(shown(ada=1)) is None


def test_a_difference_is_computed_once_for_all_subscribers_with_the_same_rows() -> None:
    now, before, other = shown(ada=1, bob=2), shown(bob=1), shown(ada=1)
    assert now.since(before) is now.since(before)
    delta = now.since(other)
    assert delta is not None
    assert orjson.loads(delta) == {"rows": [2], "removed": []}


def test_a_subscriber_with_unknown_rows_gets_all_rows() -> None:
    assert orjson.loads(shown(ada=1, bob=2).all()) == {"complete": True, "rows": [1, 2]}
