"""The social domain in the API: commands, public and private reads, the merged feed, and the board of friends."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from faust_redis.log import Log

from streams import topics
from streams.events import AnyEvent, Event, EventData
from streams.events.social import (
    FeedEntryAdded,
    Interact,
    Interacted,
    ShareContent,
    SocialCommandRejected,
    Unfollow,
    Unfollowed,
)
from streams.ids import new_id
from streams.times import Instant
from tables.boards import group
from tables.social_people import (
    SOCIAL_CONTENTS,
    SOCIAL_FEED,
    SOCIAL_FOLLOWS,
    SOCIAL_INTERACTIONS,
    SOCIAL_PEOPLE,
    SOCIAL_PROFILES,
    Content,
    Contents,
    FeedEntries,
    FeedEntry,
    Follow,
    Follows,
    Interactions,
    Person,
    SocialProfile,
)
from tests.integration.api.sse import Reader
from tests.integration.api.support import Worker, auth
from tests.integration.api.test_ingress import assert_problem, written
from tests.integration.api.test_privacy import hide

pytestmark = pytest.mark.usefixtures("worker")

ADA = auth("ada")
NOON = Instant.parse("2026-01-05T12:34:56Z")
CONTENT = {"kind": "trade", "platform": "reddit", "about": "t-1"}


def event(data: EventData, key: str, second: int = 0) -> AnyEvent:
    time = Instant(NOON + second * 1_000_000)
    return Event.first(data, event_id=new_id(time), time=time, key=key, rules_version=1)


def entries(user: str, *seconds: int) -> FeedEntries:
    made = [
        FeedEntry(
            id=f"{user}-{second}",
            at=NOON + second * 1_000_000,
            kind="level_up",
            text="feed.level_up",
            arguments={"level": str(second)},
            cause_id="c",
        )
        for second in sorted(seconds, reverse=True)
    ]
    return FeedEntries(entries=tuple(made))


async def follow(worker: Worker, user: str, *others: str) -> None:
    follows = Follows(followed={other: Follow(since=NOON) for other in others})
    await worker.put_user(SOCIAL_FOLLOWS.name, user, follows)


# --- commands ---------------------------------------------------------------------------------------------------------


async def test_commands_are_keyed_by_the_caller_and_name_the_target(client: httpx.AsyncClient, log: Log) -> None:
    shared = {"kind": "share", "content_id": "c-1", "platform": "discord"}
    for answer in (
        await client.post("/v1/users/bob/interactions", json={"kind": "follow"}, headers=ADA),
        await client.post("/v1/users/bob/interactions", json=shared, headers=ADA),
        await client.request("DELETE", "/v1/users/bob/follow", headers=ADA),
    ):
        assert answer.status_code == 202, answer.text
    events = await written(log, topics.SOCIAL_COMMANDS)
    assert [one.partitionkey for one in events] == ["ada"] * 3
    assert [one.data for one in events] == [
        Interact(target="bob", kind="follow"),
        Interact(target="bob", kind="share", content_id="c-1", platform="discord"),
        Unfollow(target="bob"),
    ]


async def test_content_gets_an_id_that_a_repeated_request_gets_again(client: httpx.AsyncClient, log: Log) -> None:
    keyed = {**ADA, "Idempotency-Key": "k-1"}
    first = await client.post("/v1/contents", json=CONTENT, headers=keyed)
    again = await client.post("/v1/contents", json=CONTENT, headers=keyed)
    assert first.json() == again.json()
    content_id = first.json()["content_id"]
    share = await client.post(f"/v1/contents/{content_id}/shares", json={"platform": "twitter"}, headers=ADA)
    assert share.json()["content_id"] == content_id
    assert [one.data for one in await written(log, topics.SOCIAL_COMMANDS)] == [
        ShareContent(content_id=content_id, kind="trade", platform="reddit", about="t-1"),
        ShareContent(content_id=content_id, platform="twitter"),
    ]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/users/bob/interactions", {"kind": "poke"}),
        ("/v1/users/bob/interactions", {}),
        ("/v1/users/bob/interactions", {"kind": "like", "target": "carol"}),
        ("/v1/users/bob/interactions", {"kind": "follow", "content_id": "c-1"}),
        ("/v1/users/bob/interactions", {"kind": "like", "content_id": "not an id"}),
        ("/v1/users/bob/interactions", {"kind": "share", "content_id": "c-1"}),
        ("/v1/users/bob/interactions", {"kind": "share", "platform": "reddit"}),
        ("/v1/users/bob/interactions", {"kind": "share", "content_id": "c-1", "platform": "myspace"}),
        ("/v1/users/not an id/interactions", {"kind": "like"}),
        ("/v1/users/ada/interactions", {"kind": "like"}),
        ("/v1/contents", {**CONTENT, "kind": "song"}),
        ("/v1/contents", {**CONTENT, "platform": "x"}),
        ("/v1/contents", {**CONTENT, "about": ""}),
        ("/v1/contents", {**CONTENT, "content_id": "c-1"}),
        ("/v1/contents", {"kind": "trade"}),
        ("/v1/contents/c-1/shares", {}),
        ("/v1/contents/c-1/shares", {"platform": "reddit", "kind": "trade"}),
        ("/v1/contents/not an id/shares", {"platform": "reddit"}),
    ],
)
async def test_a_wrong_field_is_refused_and_nothing_is_written(
    client: httpx.AsyncClient, log: Log, path: str, body: dict[str, Any]
) -> None:
    assert_problem(await client.post(path, json=body, headers=ADA), 422, "validation")
    assert await written(log, topics.SOCIAL_COMMANDS) == []


# --- reads ------------------------------------------------------------------------------------------------------------


async def test_a_person_is_public_without_reports_and_account_state(client: httpx.AsyncClient, worker: Worker) -> None:
    row = Person(rating=52_000_000, endorsements=1, reports=3, followers=2, prestige="gold", updated_at=NOON)
    await worker.put_user(SOCIAL_PEOPLE.name, "bob", row)
    shown = (await client.get("/v1/users/bob/social")).json()
    assert shown["rating_millionths"] == 52_000_000
    assert (shown["followers"], shown["prestige"], shown["updated_at"]) == (2, "gold", "2026-01-05T12:00:00Z")
    assert not {"reports", "suspended", "private", "registered_at"} & shown.keys()


async def test_profiles_of_several_users_are_read_at_once_and_a_private_one_is_left_out(
    client: httpx.AsyncClient, app: FastAPI, worker: Worker
) -> None:
    for user in ("ada", "bob"):
        await worker.put_user(SOCIAL_PROFILES.name, user, SocialProfile(display_name=user.title(), updated_at=NOON))
    await hide(app, "bob")
    asked = {"user": ["bob", "ada", "nobody", "ada"]}
    shown = (await client.get("/v1/profiles", params=asked)).json()["profiles"]
    assert [(one["user_id"], one["display_name"], one["updated_at"]) for one in shown] == [
        ("ada", "Ada", "2026-01-05T12:00:00Z")
    ]
    own = (await client.get("/v1/profiles", params=asked, headers=auth("bob"))).json()["profiles"]
    assert {one["user_id"]: one["updated_at"] for one in own} == {"bob": NOON.text(), "ada": "2026-01-05T12:00:00Z"}
    assert_problem(await client.get("/v1/profiles"), 422, "validation")
    many = {"user": [f"user-{number}" for number in range(101)]}
    assert_problem(await client.get("/v1/profiles", params=many), 422, "validation")


async def test_contents_are_public_and_a_private_users_are_not(
    client: httpx.AsyncClient, app: FastAPI, worker: Worker
) -> None:
    content = Content(kind="trade", about="t-1", shared_at=NOON, platforms=("reddit",), shares=1, viral_tenths=25)
    for user in ("ada", "bob"):
        await worker.put_user(SOCIAL_CONTENTS.name, user, Contents(shared={"c-1": content}))
        await worker.put_user(SOCIAL_PEOPLE.name, user, Person(rating=1))
        await worker.put_user(SOCIAL_FEED.name, user, entries(user, 1))
    await hide(app, "bob")
    shown = (await client.get("/v1/users/ada/contents")).json()["shared"]["c-1"]
    assert (shown["viral_tenths"], shown["shared_at"]) == (25, "2026-01-05T12:00:00Z")
    for name in ("contents", "social", "activity"):
        assert (await client.get(f"/v1/users/ada/{name}")).status_code == 200
        assert (await client.get(f"/v1/users/bob/{name}", headers=ADA)).status_code == 404
        assert (await client.get(f"/v1/users/bob/{name}", headers=auth("bob"))).status_code == 200


async def test_follows_and_recent_interactions_belong_to_the_user(client: httpx.AsyncClient, worker: Worker) -> None:
    await follow(worker, "ada", "bob")
    await worker.put_user(SOCIAL_INTERACTIONS.name, "ada", Interactions(times=(NOON,)))
    shown = (await client.get("/v1/users/ada/follows", headers=ADA)).json()
    assert shown["followed"] == {"bob": {"since": "2026-01-05T12:34:56Z", "waits_for": "", "friend": False}}
    assert (await client.get("/v1/users/ada/recent-interactions", headers=ADA)).json()["times"] == [
        "2026-01-05T12:34:56Z"
    ]
    assert_problem(await client.get("/v1/users/ada/follows", headers=auth("bob")), 403, "forbidden")


# --- the merged feed --------------------------------------------------------------------------------------------------


async def test_a_feed_merges_the_entries_of_the_user_and_of_those_whom_the_user_follows(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await follow(worker, "ada", "bob", "carol")
    for user, seconds in (("ada", (1, 5)), ("bob", (2, 6)), ("carol", (3,)), ("dave", (4, 9))):
        await worker.put_user(SOCIAL_FEED.name, user, entries(user, *seconds))
    shown = (await client.get("/v1/users/ada/feed", headers=ADA)).json()
    assert [one["id"] for one in shown["entries"]] == ["bob-6", "ada-5", "carol-3", "bob-2", "ada-1"]
    assert shown["next_cursor"] is None
    times = {one["user_id"]: one["at"] for one in shown["entries"]}
    assert times["bob"] == "2026-01-05T12:00:00Z"
    assert times["ada"] == "2026-01-05T12:34:57Z"


async def test_the_pages_of_a_feed_follow_each_other(client: httpx.AsyncClient, worker: Worker) -> None:
    await follow(worker, "ada", "bob")
    await worker.put_user(SOCIAL_FEED.name, "bob", entries("bob", *range(5)))
    found, cursor = [], None
    for _ in range(3):
        more: dict[str, str] = {"cursor": cursor} if cursor else {}
        page = (await client.get("/v1/users/ada/feed", headers=ADA, params={"limit": 2, **more})).json()
        found += [one["id"] for one in page["entries"]]
        cursor = page["next_cursor"]
    assert (found, cursor) == ([f"bob-{number}" for number in (4, 3, 2, 1, 0)], None)
    for wrong in ("A" * 40, "x"):
        answer = await client.get("/v1/users/ada/feed", headers=ADA, params={"cursor": wrong})
        assert_problem(answer, 400, "unknown-cursor")


async def test_a_feed_leaves_private_users_out_and_follows_that_wait(
    client: httpx.AsyncClient, app: FastAPI, worker: Worker
) -> None:
    follows = Follows(followed={"bob": Follow(since=NOON), "carol": Follow(since=NOON, request_id="r-1")})
    await worker.put_user(SOCIAL_FOLLOWS.name, "ada", follows)
    for user in ("bob", "carol"):
        await worker.put_user(SOCIAL_FEED.name, user, entries(user, 1))
    assert [one["user_id"] for one in (await feed_of(client, "ada"))] == ["bob"]
    await hide(app, "bob")
    assert await feed_of(client, "ada") == []


async def feed_of(client: httpx.AsyncClient, user: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/v1/users/{user}/feed", headers=auth(user))).json()["entries"]
    return found


async def test_the_live_feed_has_the_entries_of_followed_users_and_ends_when_these_change(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    await follow(worker, "ada", "bob")
    added = FeedEntryAdded(kind="level_up", text="feed.level_up", arguments={"level": "3"}, cause_id="c")
    await worker.emit(topics.SOCIAL_EVENTS, event(added, "bob", 1), event(added, "carol", 2))
    feed = Reader(server, "/v1/feed/community", {"headers": ADA}, key="id")
    await feed.read(lambda reader: reader.last_id is not None)
    assert [row["user_id"] for row in feed.received] == ["bob"]
    await follow(worker, "ada", "bob", "carol")
    await worker.emit(topics.SOCIAL_EVENTS, event(Interacted(target="carol", kind="follow"), "ada", 3))
    with pytest.raises(StopAsyncIteration):
        await feed.read(lambda _: False)
    await worker.emit(topics.SOCIAL_EVENTS, event(added, "carol", 4))
    await feed.read(lambda reader: len(reader.received) == 2)
    assert [row["user_id"] for row in feed.received] == ["bob", "carol"]
    await worker.emit(topics.SOCIAL_EVENTS, event(Unfollowed(target="carol"), "ada", 5))
    with pytest.raises(StopAsyncIteration):
        await feed.read(lambda _: False)


async def test_a_user_hears_of_rejections_on_a_feed_of_their_own(server: httpx.AsyncClient, worker: Worker) -> None:
    for user in ("ada", "bob"):
        rejected = SocialCommandRejected(command="Interact", reason="hourly_limit", subject_id="carol", free_at=NOON)
        await worker.emit(topics.SOCIAL_EVENTS, event(rejected, user))
    feed = Reader(server, "/v1/feed/my-social", {"headers": ADA}, key="event_id")
    await feed.read(lambda reader: reader.last_id is not None)
    [row] = feed.received
    assert (row["type"], row["reason"], row["free_at"]) == (
        "SocialCommandRejected",
        "hourly_limit",
        "2026-01-05T12:34:56Z",
    )


# --- friends ----------------------------------------------------------------------------------------------------------


async def test_the_board_of_friends_ranks_the_caller_and_those_whom_the_caller_follows(
    client: httpx.AsyncClient, app: FastAPI, worker: Worker
) -> None:
    await follow(worker, "ada", "bob", "carol", "dave")
    scores = (("ada", 20, 5), ("bob", 30, 9), ("carol", 30, 7), ("eve", 99, 1), ("zoe", 10, 1))
    for user, score, at in scores:
        await worker.rank(group("xp", "global", "week:2026-W02"), user, score, at)
    path, week = "/v1/leaderboards/xp/friends", {"period": "week:2026-W02"}
    board = (await client.get(path, headers=ADA, params=week)).json()
    assert [(row["rank"], row["user_id"], row["score"]) for row in board["rows"]] == [
        (1, "carol", 30),
        (2, "bob", 30),
        (3, "ada", 20),
    ]
    assert board["total"] == 3
    assert "gamification-boards" in board["position"]
    assert len((await client.get(path, headers=ADA, params={**week, "limit": 1})).json()["rows"]) == 1
    await hide(app, "bob")
    board = (await client.get(path, headers=ADA, params=week)).json()
    assert [row["user_id"] for row in board["rows"]] == ["carol", None, "ada"]
    assert_problem(await client.get(path, params=week), 401, "unauthenticated")
