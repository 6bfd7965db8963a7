"""Feeds without sockets, at a pace that the test sets: what slow and fast clients receive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from faust_redis.log import Log, Position, TopicPartition
from starlette.types import Message

from api.gamification.progress import PROGRESS, PROGRESS_ROWS
from api.kit.feeds import session as sessions
from api.kit.feeds.change import Changes
from api.kit.feeds.follower import Follower
from api.kit.feeds.response import FeedResponse, frames
from api.kit.feeds.subscriber import Subscriber
from api.kit.feeds.views import RowsView
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tests.integration.api.support import PROGRESS_IDS, SEALER, Worker

TABLE = GAMIFICATION_PROGRESS.name


@pytest.fixture(autouse=True)
def topics(worker: Worker) -> None:
    """Create the topics before any client listens."""


def progress(xp: int) -> Progress:
    return Progress(xp=xp, max_leverage=10)


async def test_a_stalled_client_gets_the_newest_of_each_row_and_a_reading_one_each_change(
    app: FastAPI, worker: Worker
) -> None:
    hub = app.state.api.hub
    views = [RowsView(hub.tables, TABLE, PROGRESS.load) for _ in range(2)]
    reading, stalled = [await hub.open("progress", view, None) for view in views]
    async with aclosing(frames(reading)) as reading_frames, aclosing(frames(stalled)) as stalled_frames:
        for feed in (reading_frames, stalled_frames):
            await next_rows(feed, until=b'"last":true')
        for n in range(1, 31):
            await worker.put_user(TABLE, f"u-{n % 3}", progress(n))
            [row] = await next_rows(reading_frames)
            assert (row["user_id"], row["xp"]) == (f"u-{n % 3}", n)
        assert {row["user_id"]: row["xp"] for row in await next_rows(stalled_frames)} == {
            "u-0": 30,
            "u-1": 28,
            "u-2": 29,
        }
        assert (reading.subscriber.conflated, stalled.subscriber.conflated) == (0, 27)
    for session in (reading, stalled):
        hub.leave(session)


async def test_a_client_ahead_of_the_follower_gets_no_change_again(app: FastAPI, log: Log, worker: Worker) -> None:
    follower = app.state.api.hub.followers["progress"]  # The follower reads only while a client has joined.
    for n in range(3):
        await worker.put_user(TABLE, "alice", progress(n))
    known = Position(
        follower.topic, (await log.topic(follower.topic)).incarnation, await log.end_offsets(follower.topic)
    )
    records = await log.tail(TopicPartition(follower.topic, worker.partition("alice")), 10)
    subscriber = Subscriber(None, pending_max=10)
    subscriber.offer(Changes(follower.changes(worker.partition("alice"), records)))
    assert await follower.catch_up(subscriber, known) is None
    assert not subscriber.take()


async def test_a_client_that_gives_up_before_the_topic_can_be_read_is_not_kept(app: FastAPI, log: Log) -> None:
    # Nothing runs the follower.
    follower = Follower(
        log, app.state.api.hub.followers["progress"].topic, PROGRESS_ROWS.feed.read(SEALER), PROGRESS_IDS
    )
    joining = asyncio.create_task(follower.join(Subscriber(None, pending_max=10)))
    await asyncio.sleep(0)
    assert follower.subscribers
    joining.cancel()
    await asyncio.wait({joining})
    assert not follower.subscribers


async def test_a_message_for_all_clients_is_encoded_once(app: FastAPI, worker: Worker) -> None:
    hub = app.state.api.hub
    opened = [await hub.open("progress", RowsView(hub.tables, TABLE, PROGRESS.load), None) for _ in range(5)]
    feeds = [session.events() for session in opened]
    for feed in feeds:
        while b'"last":true' not in (await anext(feed)).data:
            pass
    await worker.put_user(TABLE, "alice", progress(1))
    events = [await anext(feed) for feed in feeds]
    assert b'"user_id":"alice"' in events[0].sse
    assert '"user_id":"alice"' in events[0].members
    assert all(event.sse is events[0].sse and event.members is events[0].members for event in events)
    for session, feed in zip(opened, feeds, strict=True):
        hub.leave(session)
        await feed.aclose()


async def test_a_client_that_takes_nothing_for_too_long_is_let_go(
    app: FastAPI, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SEND_TIMEOUT_S", 0.0)
    hub = app.state.api.hub
    session = await hub.open("progress", RowsView(hub.tables, TABLE, PROGRESS.load), None)

    async def send(message: Message) -> None:
        if message.get("body"):
            await asyncio.Event().wait()

    async with asyncio.timeout(10):
        await FeedResponse(hub, session).stream_response(send)
    assert session not in hub.sessions


async def next_rows(feed: AsyncGenerator[bytes], *, until: bytes = b"event: delta") -> list[dict[str, Any]]:
    """Return the rows of the next event that contains a text."""
    while until not in (event := await anext(feed)):
        pass
    rows: list[dict[str, Any]] = orjson.loads(event.partition(b"data: ")[2].partition(b"\n")[0])["rows"]
    return rows
