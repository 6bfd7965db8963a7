"""Subscribers of a board get the difference between its rows and the rows that they already have."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from faust_redis.log import Position, StoredRecord

from api.auth import Principal, Role
from api.gamification.tops import BoardView, Ranking, Shown, Top, Tops
from api.kit.audience import Audience
from api.kit.feeds.change import Change, Changes, Reading
from api.kit.feeds.permit import Permit
from api.kit.feeds.subscriber import Subscriber
from tables.boards import Standing, parse_period
from tables.rankings import Ranked, RankingPage


def shown(**rows: int) -> Shown:
    return Shown({user: orjson.dumps(rank) for user, rank in rows.items()})


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


@pytest.mark.parametrize(
    ("before", "now"),
    [({"ada": 1, "#2": 5}, {"ada": 1, "#2": 6}), ({"ada": 1, "#2": 5}, {"ada": 1}), ({"bob": 1}, {"#1": 1})],
    ids=["changed", "gone", "now private"],
)
def test_a_change_of_an_anonymous_row_sends_all_rows(before: dict[str, int], now: dict[str, int]) -> None:
    delta = shown(**now).since(shown(**before))
    assert delta is not None
    assert orjson.loads(delta) == {"complete": True, "rows": [*now.values()]}


class Private(set[str]):
    """A set of private users."""

    version = 0


class OneChild:
    """Knows of one sub-account."""

    def of(self, account_id: str) -> str | None:
        return "cyd" if account_id == "cyd's" else None


def caller(name: str, role: Role = Role.USER) -> Permit:
    return Permit(SimpleNamespace(recheck=lambda *_: None), "", Principal(name, role))


def test_readers_share_what_they_may_see() -> None:
    private, parents = Private({"bob", "cyd", "cyd's"}), OneChild()
    hour, after = 3_600 * 10**6, 5
    members = [Ranked(1, Standing(9, hour + after), "ada"), Ranked(2, Standing(8, 0), "bob")]
    top = Top(Position("boards", "e", {0: 1}), Ranking("xp", "global/all/xp"), members)

    def names(viewer: Permit | None) -> list[str | None]:
        return [orjson.loads(row)["user_id"] for row in top.shown_to(Audience(private, parents, viewer)).rows.values()]

    assert names(None) == names(caller("ada")) == names(caller("cyd")) == ["ada", None]
    assert names(caller("bob")) == names(caller("mod", Role.MODERATOR)) == ["ada", "bob"]
    everyone = top.shown_to(Audience(private, parents))
    for other in ("ada", "cyd"):
        assert top.shown_to(Audience(private, parents, caller(other))) is everyone
    assert orjson.loads(everyone.rows["ada"])["reached_at"] == "1970-01-01T01:00:00Z"
    staff = top.shown_to(Audience(private, parents, caller("mod", Role.MODERATOR)))
    assert orjson.loads(staff.rows["ada"])["reached_at"] == "1970-01-01T01:00:00.000005Z"
    private.remove("bob")
    private.version += 1
    assert names(None) == ["ada", "bob"]
    members.append(Ranked(3, Standing(7, 0), "cyd's"))
    top = Top(Position("boards", "e", {0: 2}), Ranking("xp", "global/all/xp"), members)
    assert names(None) == names(caller("bob")) == ["ada", "bob", None]
    assert names(caller("cyd")) == names(caller("cyd's")) == ["ada", "bob", "cyd's"]


def test_a_subscriber_with_unknown_rows_gets_all_rows() -> None:
    assert orjson.loads(shown(ada=1, bob=2).all()) == {"complete": True, "rows": [1, 2]}


class NoTops:
    """Tops that count how often they are read."""

    tables: Any = None

    def __init__(self, top: Top) -> None:
        self.top, self.reads = top, 0

    async def read(self, *_: Any) -> Top:
        self.reads += 1
        return self.top


async def test_a_board_of_people_is_not_read_for_a_change_of_others() -> None:
    ranking = Ranking("xp", "global/all/xp", ("ada", "bob"))
    tops = NoTops(Top(Position("boards", "e", {0: 9}), ranking, [Ranked(1, Standing(9, 0), "ada")]))
    view = BoardView(tops, ranking, parse_period("all"), 10, Audience(Private(), OneChild(), None))  # type: ignore[arg-type]
    subscriber = Subscriber(view.channels, pending_max=10)

    async def delta(user: str) -> bytes | None:
        record = StoredRecord(5, 0, None, None)
        change = Change.of(0, record, Reading(f"global|{user}", (ranking.group,), dict))
        return await view.delta(Changes([change]), Position("boards", "e", {0: 9}), subscriber)

    assert await delta("eve") is not None, "the first delta after a resumption has all rows"
    assert (await delta("eve"), tops.reads) == (None, 1)
    assert (await delta("bob"), tops.reads) == (None, 2)


class Tables:
    """Tables without standings, which note what was read: a ranking's name, or None for rows of people."""

    def __init__(self) -> None:
        self.reads: list[str | None] = []
        self.position = Position("boards", "e", {0: 1})

    async def page(self, _table: str, group: str, *, limit: int) -> RankingPage:
        assert limit
        self.reads.append(group)
        return RankingPage(self.position, 0, [])

    async def get_many(self, _table: str, keys: list[Any]) -> tuple[Position, list[None]]:
        self.reads.append(None)
        return self.position, [None] * len(keys)


async def test_a_board_of_all_is_read_before_its_subscribers_ask_and_one_of_people_is_not() -> None:
    tables, group = Tables(), "global/all/xp"
    tops = Tops(tables)  # type: ignore[arg-type]
    for people in (None, ("ada",)):
        await tops.read(Ranking("xp", group, people), 10, tables.position)
    assert tables.reads == [group, None]
    change = Change.of(0, StoredRecord(5, 0, None, None), Reading("global|eve", (group,), dict))
    tables.position = Position("boards", "e", {0: 6})
    await tops.prepare({group: Changes([change])}, Position("boards", "e", {0: 5}))
    assert tables.reads == [group, None, group]
