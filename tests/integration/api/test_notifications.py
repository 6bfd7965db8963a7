"""The caller's notifications and preferences in the API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from streams import topics
from streams.events.user import ChangePreferences, ReadNotifications, UserCommandRejected
from tables.user import USER_NOTIFICATIONS, USER_PREFERENCES, Notification, Preferences, notification_key
from tests.integration.api.sse import Reader
from tests.integration.api.support import Worker, auth
from tests.integration.api.test_nft import written
from tests.integration.api.test_social import event

PATH = "/v1/notifications"


async def put(worker: Worker, user: str, number: int, *, read: bool = False) -> None:
    row = Notification(
        number=number,
        notification_id=f"n-{number}",
        kind="nft_sold",
        text="nft_sold",
        arguments={"token_id": "t-1"},
        cause_id="c",
        at=number,
        read=read,
    )
    partition = worker.partition(user)
    await worker.put(USER_NOTIFICATIONS.name, notification_key(user, number), row, partition=partition)


async def test_notifications_are_read_newest_first_by_pages(client: httpx.AsyncClient, worker: Worker) -> None:
    for number in range(198, 204):
        await put(worker, "ada", number, read=number == 200)
    await put(worker, "bob", 1)
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 4}
    for _ in range(2):
        page = (await client.get(PATH, params=query, headers=auth("ada"))).json()
        seen += [row["number"] for row in page["notifications"]]
        query["cursor"] = page["next_cursor"]
    assert (seen, query["cursor"], page["unread"]) == ([203, 202, 201, 200, 199, 198], None, 5)
    assert page["notifications"][0]["user_id"] == "ada"
    unread = (await client.get(PATH, params={"unread": True}, headers=auth("ada"))).json()
    assert [row["number"] for row in unread["notifications"]] == [203, 202, 201, 199, 198]
    first = (await client.get(PATH, params={"limit": 1}, headers=auth("ada"))).json()["next_cursor"]
    assert (await client.get(PATH, params={"cursor": first}, headers=auth("bob"))).status_code == 400
    assert (await client.get(PATH)).status_code == 401


async def test_commands_of_the_inbox_are_written_under_the_caller(client: httpx.AsyncClient, worker: Worker) -> None:
    muted = {"language": "de", "muted": ["overtaken"]}
    assert (await client.put("/v1/preferences", json=muted, headers=auth("ada"))).status_code == 202
    for body in ({}, {"notification_ids": ["n-1"]}):
        assert (await client.post(f"{PATH}/read", json=body, headers=auth("ada"))).status_code == 202
    assert await written(worker, "astra.user.commands.v1") == [
        ("ada", ChangePreferences(language="de", muted=("overtaken",))),
        ("ada", ReadNotifications()),
        ("ada", ReadNotifications(notification_ids=("n-1",))),
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("PUT", "/v1/preferences", {"language": "german"}, "#/language"),
        ("PUT", "/v1/preferences", {"muted": ["everything"]}, "#/muted/0"),
        ("PUT", "/v1/preferences", {"colour": "red"}, "#/colour"),
        ("POST", f"{PATH}/read", {"notification_ids": ["a b"]}, "#/notification_ids/0"),
        ("POST", f"{PATH}/read", {"notification_ids": ["n"] * 201}, "#/notification_ids"),
    ],
)
async def test_a_wrong_field_is_named(
    client: httpx.AsyncClient, worker: Worker, *, method: str, path: str, body: Any, pointer: str
) -> None:
    answer = await client.request(method, path, json=body, headers=auth("ada"))
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert await written(worker, "astra.user.commands.v1") == []


async def test_preferences_are_read_by_their_user(client: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(USER_PREFERENCES.name, "ada", Preferences(language="de", muted=("follow",)))
    found = (await client.get("/v1/users/ada/preferences", headers=auth("ada"))).json()
    assert (found["language"], found["muted"]) == ("de", ["follow"])
    assert (await client.get("/v1/users/ada/preferences", headers=auth("bob"))).status_code == 403


async def test_the_feed_shows_new_notifications_of_the_caller_and_that_they_were_read(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    await put(worker, "ada", 1)
    reader = Reader(server, "/v1/feed/notifications", key="number", options={"headers": auth("ada")})
    await reader.read(lambda r: r.last_id is not None)
    assert [row["read"] for row in reader.table.values()] == [False]
    await put(worker, "bob", 2)
    await put(worker, "ada", 3)
    await put(worker, "ada", 1, read=True)
    await reader.read(lambda r: [row["read"] for row in r.table.values()] == [True, False])
    assert [row["number"] for row in reader.table.values()] == [1, 3]


async def test_a_user_hears_of_rejections_of_the_inbox_on_a_feed_of_their_own(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    for user in ("ada", "bob"):
        rejected = UserCommandRejected(command="ReadNotifications", reason="unknown_notification", subject_id=user)
        await worker.emit(topics.USER_EVENTS, event(rejected, user))
    feed = Reader(server, "/v1/feed/my-account", {"headers": auth("ada")}, key="event_id")
    await feed.read(lambda reader: reader.last_id is not None)
    [row] = feed.received
    assert (row["type"], row["reason"], row["subject_id"]) == ("UserCommandRejected", "unknown_notification", "ada")
