"""Boards of certain people: the members of a constellation, and friends. Pages by cursor, and live feeds."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from streams.times import Instant
from tables.boards import group
from tables.social_constellations import SOCIAL_ROSTERS, Member, Roster
from tables.social_people import SOCIAL_FOLLOWS, Follow, Follows
from tests.integration.api.sse import Reader
from tests.integration.api.support import Worker, auth
from tests.integration.api.test_ingress import assert_problem
from tests.integration.api.test_privacy import hide

pytestmark = pytest.mark.usefixtures("worker")

ADA = auth("ada")
NOON = int(Instant.parse("2026-01-05T12:00:00Z"))
WEEK = group("xp", "global", "week:2026-W02")
PERIOD = {"period": "week:2026-W02"}
MEMBERS = "/v1/leaderboards/xp/members/north"


async def enrol(worker: Worker, *users: str, contributed: int = 0) -> None:
    members = tuple(
        Member(user_id=user, role="member", request_id="r", joined_at=NOON + 1, contributed=contributed)
        for user in users
    )
    await worker.put_user(SOCIAL_ROSTERS.name, "north", Roster(members=members, banned=("mallory",)))


async def follow(worker: Worker, user: str, *others: str) -> None:
    followed = {other: Follow(since=NOON) for other in others}
    await worker.put_user(SOCIAL_FOLLOWS.name, user, Follows(followed=followed))


async def scores(worker: Worker, **score: int) -> None:
    for user, points in score.items():
        await worker.rank(WEEK, user, points, NOON)


async def all_pages(client: httpx.AsyncClient, path: str, **options: Any) -> list[tuple[int, str, int]]:
    """Read a board in pages of two."""
    rows: list[tuple[int, str, int]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get(path, params={**PERIOD, "limit": 2, **cursor}, **options)
        page = answer.json()
        assert len(page["rows"]) <= 2
        rows += [(row["rank"], row["user_id"], row["score"]) for row in page["rows"]]
        if page["next_cursor"] is None:
            return rows
        cursor = {"cursor": page["next_cursor"]}


FIVE = [(1, "eve", 9), (2, "ada", 7), (3, "bob", 7), (4, "dan", 3), (5, "cyd", 1)]


async def test_a_board_of_members_is_read_in_pages(client: httpx.AsyncClient, worker: Worker) -> None:
    await enrol(worker, "ada", "bob", "cyd", "dan", "eve", "idle")
    await scores(worker, ada=7, bob=7, cyd=1, dan=3, eve=9, stranger=100)
    assert await all_pages(client, MEMBERS) == FIVE


async def test_a_board_of_friends_is_read_in_pages(client: httpx.AsyncClient, worker: Worker) -> None:
    await follow(worker, "ada", "bob", "cyd", "dan", "eve")
    await scores(worker, ada=7, bob=7, cyd=1, dan=3, eve=9, stranger=100)
    assert await all_pages(client, "/v1/leaderboards/xp/friends", headers=ADA) == FIVE


async def test_a_cursor_skips_and_repeats_no_member_whose_score_stays(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await enrol(worker, "ada", "bob", "cyd", "dan")
    await scores(worker, ada=9, bob=7, cyd=5, dan=3)
    first = (await client.get(MEMBERS, params={**PERIOD, "limit": 2})).json()
    await scores(worker, bob=1)
    await enrol(worker, "bob", "cyd", "dan")
    rest = (await client.get(MEMBERS, params={**PERIOD, "cursor": first["next_cursor"]})).json()
    assert [row["user_id"] for row in rest["rows"]] == ["cyd", "dan", "bob"]


async def test_a_cursor_is_for_one_board_of_one_constellation(client: httpx.AsyncClient, worker: Worker) -> None:
    await enrol(worker, "ada", "bob")
    await worker.put_user(SOCIAL_ROSTERS.name, "south", Roster())
    await scores(worker, ada=9, bob=7)
    cursor = (await client.get(MEMBERS, params={**PERIOD, "limit": 1})).json()["next_cursor"]
    for path in ("/v1/leaderboards/xp/members/south", "/v1/leaderboards/volume/members/north"):
        assert_problem(await client.get(path, params={**PERIOD, "cursor": cursor}), 400, "unknown-cursor")
    assert_problem(await client.get(MEMBERS, params={"cursor": cursor}), 400, "unknown-cursor")


def board(server: httpx.AsyncClient, name: str, **options: Any) -> Reader:
    return Reader(server, f"/v1/feed/{name}", {"board": "xp", **PERIOD, **options})


def order(feed: Reader) -> list[tuple[str, int]]:
    return [(row["user_id"], row["score"]) for row in sorted(feed.table.values(), key=lambda row: row["rank"])]


async def test_a_board_of_members_is_followed(server: httpx.AsyncClient, worker: Worker) -> None:
    await enrol(worker, "ada", "bob", "idle")
    await scores(worker, ada=5, bob=3, stranger=100)
    feed = board(server, "members-board", constellation="north")
    following = asyncio.create_task(feed.read(lambda reader: order(reader) == [("bob", 9), ("ada", 5), ("idle", 1)]))
    await feed.current.wait()
    assert order(feed) == [("ada", 5), ("bob", 3)]
    await scores(worker, stranger=200, bob=9, idle=1)
    await following
    assert "stranger" not in str(feed.received)
    assert_problem(
        await server.get("/v1/feed/members-board", params={"board": "xp", "constellation": "nowhere"}), 404, "not-found"
    )


async def test_a_board_of_members_ends_when_a_member_joins_or_leaves(server: httpx.AsyncClient, worker: Worker) -> None:
    await enrol(worker, "ada")
    await scores(worker, ada=5, bob=3)
    for members, shown in ((("ada", "bob"), [("ada", 5), ("bob", 3)]), (("bob",), [("bob", 3)])):
        feed = board(server, "members-board", constellation="north")
        following = asyncio.create_task(feed.read(lambda _: False))
        await feed.current.wait()
        await enrol(worker, *members)
        with pytest.raises(StopAsyncIteration):
            await following
        again = board(server, "members-board", constellation="north")
        again.last_id = feed.last_id
        await again.read(lambda reader, shown=shown: order(reader) == shown)


async def test_nothing_is_left_of_a_board_of_members_that_ended(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker
) -> None:
    await enrol(worker, "ada")
    await board(server, "members-board", constellation="north").read(lambda reader: reader.last_id is not None)
    followers = served_app.state.api.hub.followers
    async with asyncio.timeout(10):
        while followers["members"].subscribers or followers["boards"].subscribers:  # noqa: ASYNC110 - a cut connection sends no signal
            await asyncio.sleep(0.01)


async def test_a_board_of_friends_is_followed_and_ends_with_a_new_friend(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    await follow(worker, "ada", "bob")
    await scores(worker, ada=5, bob=3, cyd=4)
    feed = board(server, "friends-board", headers=ADA)
    following = asyncio.create_task(feed.read(lambda _: False))
    await feed.current.wait()
    assert order(feed) == [("ada", 5), ("bob", 3)]
    await follow(worker, "ada", "bob", "cyd")
    with pytest.raises(StopAsyncIteration):
        await following
    await feed.read(lambda reader: order(reader) == [("ada", 5), ("cyd", 4), ("bob", 3)])
    assert_problem(await server.get("/v1/feed/friends-board", params={"board": "xp"}), 401, "unauthenticated")


async def test_the_members_of_a_constellation_are_followed_without_names_of_private_ones(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker
) -> None:
    await enrol(worker, "ada")
    await hide(served_app, "bob")
    seen = {"public": Reader(server, "/v1/feed/members", {"constellation": "north"}, key="constellation_id")}
    seen["bob"] = Reader(
        server, "/v1/feed/members", {"constellation": "north", "headers": auth("bob")}, key="constellation_id"
    )

    def ids(reader: Reader) -> list[str | None]:
        return [one["user_id"] for one in reader.table.get("north", {}).get("members", ())]

    wanted = {"public": ["ada", None], "bob": ["ada", "bob"]}
    following = {
        name: asyncio.create_task(reader.read(lambda one, name=name: ids(one) == wanted[name]))
        for name, reader in seen.items()
    }
    for reader in seen.values():
        await reader.current.wait()
        assert ids(reader) == ["ada"]
    await enrol(worker, "ada", "bob")
    await asyncio.gather(*following.values())
    assert "bob" not in str(seen["public"].received)
    rows = [row for reader in seen.values() for row in reader.received]
    assert {one["joined_at"] for row in rows for one in row["members"]} == {"2026-01-05T12:00:00Z"}
    assert "mallory" not in str([reader.received for reader in seen.values()])
