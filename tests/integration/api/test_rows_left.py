"""Queries of rows that have left say so, and show what stays."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from faust_redis.log import Record

from streams.times import DAY_US, Instant
from streams.topology import changelog_topic
from tables.boards import group, names_of, parse_period
from tables.gamification import GAMIFICATION_BOARDS, GAMIFICATION_DAYS, GAMIFICATION_WATERMARK, UserDay, day_key
from tables.reader import TableReader
from tables.watermark import WATERMARK_KEY, Leaving, Watermark
from tests.integration.api.sse import Reader
from tests.integration.api.support import Worker, auth
from tests.integration.api.test_ingress import assert_problem
from tests.integration.api.test_proofs import seal

DAY = "day:2024-09-20"
BOARD = group("xp", "global", DAY)
END = parse_period(DAY).end or 0
ROW = f"{[*names_of(BOARD)][1]}|bob"
"""The row of bob's standings in the period."""


async def left(worker: Worker, *, since: int, to: int, partition: int = 1) -> None:
    """Let old rows leave a partition, up to a time."""
    await worker.put(GAMIFICATION_WATERMARK.name, WATERMARK_KEY, mark(since, to), partition=partition)


def mark(since: int, to: int) -> Watermark:
    state = {name: Leaving(since=since, to=to) for name in ("boards", "days")}
    return Watermark(highest=to + 9 * DAY_US, leaving=state)


async def leaves(worker: Worker, table: str, key: str, user: str) -> None:
    """Let a row of a user leave, in one write with the mark of its partition, as in a commit."""
    partition = worker.partition(user)
    row = Record(changelog_topic(worker.app_id, table), partition, key.encode(), None, 0)
    watermarks = changelog_topic(worker.app_id, GAMIFICATION_WATERMARK.name)
    await worker.log.append([row, Record(watermarks, partition, WATERMARK_KEY.encode(), mark(0, END).dump(), 0)])


def happens_before(patch: pytest.MonkeyPatch, tables: TableReader, read: str, what: Awaitable[None]) -> None:
    """Let something happen when the API first reads its tables by a method: after whatever it checks before."""
    method, waiting = getattr(tables, read), [what]

    async def after(*args: Any, **options: Any) -> Any:
        while waiting:
            await waiting.pop()
        return await method(*args, **options)

    patch.setattr(tables, read, after)


async def test_a_board_whose_rows_have_left_a_partition_is_refused_and_its_digest_stays(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await worker.rank(BOARD, "alice", 15, 7)
    await left(worker, since=0, to=END - DAY_US)
    paths = [f"/v1/leaderboards/xp{rest}period={DAY}" for rest in ("?", "/users/alice?", "/ranks?user=alice&")]
    for path in paths:
        assert (await client.get(path)).status_code == 200, path
    await left(worker, since=0, to=END)
    others = [f"/v1/leaderboards/{name}?period={DAY}" for name in ("xp/constellations", "xp/users/alice/proof")]
    for path in (*paths, *others):
        answer = await client.get(path, headers=auth("alice"))
        assert assert_problem(answer, 410, "rows-left")["detail"] == (
            f"the standings of {DAY} have left with all that ended by {Instant(END).text()}: the archive has them"
        ), path
    assert (await client.get("/v1/leaderboards/xp")).status_code == 200
    await left(worker, since=END, to=END + DAY_US)
    assert (await client.get(paths[0], params={"period": DAY})).status_code == 200, (
        "it ended before rows began to leave"
    )


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("xp?", "page"),
        ("xp/users/alice?", "place"),
        ("xp/ranks?user=alice&", "places"),
        ("xp/friends?", "get_many"),
        ("xp/constellations?", "page"),
        ("xp/constellations/c-1?", "place"),
        ("xp/users/alice/proof?", "page"),
    ],
)
async def test_a_board_whose_rows_leave_while_it_is_read_is_refused_and_never_shown_in_part(
    client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch, path: str, read: str
) -> None:
    worker = Worker(app.state.api.log, "astratrade")
    await worker.create_topics()
    await seal(worker)
    for user in ("alice", "bob"):
        await worker.rank(BOARD, user, 15, 7)
    assert worker.partition("alice") != worker.partition("bob")
    happens_before(monkeypatch, app.state.api.tables, read, leaves(worker, GAMIFICATION_BOARDS.name, ROW, "bob"))
    answer = await client.get(f"/v1/leaderboards/{path}period={DAY}", headers=auth("alice"))
    assert_problem(answer, 410, "rows-left")


async def test_a_feed_of_a_board_whose_rows_leave_ends_before_it_shows_a_part(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in ("alice", "bob"):
        await worker.rank(BOARD, user, 15, 7)
    feed = Reader(server, "/v1/feed/boards", {"board": "xp", "period": DAY})
    await feed.read(lambda reader: reader.table.keys() == {"alice", "bob"})
    await worker.rank(group("xp", "global", "day:2024-09-21"), "alice", 1, 7)  # so that the board is read again
    feed = Reader(server, feed.path, feed.options)
    tables = served_app.state.api.hub.tables
    happens_before(monkeypatch, tables, "page", leaves(worker, GAMIFICATION_BOARDS.name, ROW, "bob"))
    with pytest.raises(StopAsyncIteration):
        await feed.read(lambda _: False)
    assert feed.received == []
    assert_problem(await server.get(feed.path, params=feed.options), 410, "rows-left")


async def test_a_day_that_leaves_while_days_are_read_is_outside_of_the_range(
    client: httpx.AsyncClient, app: FastAPI, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in ("2024-09-20", "2024-09-21"):
        key = day_key("alice", day)
        await worker.put(GAMIFICATION_DAYS.name, key, UserDay(xp=5), partition=worker.partition("alice"))
    leaving = leaves(worker, GAMIFICATION_DAYS.name, day_key("alice", "2024-09-20"), "alice")
    happens_before(monkeypatch, app.state.api.tables, "get_many", leaving)
    parameters = {"begin": "2024-09-20T00:00:00Z", "end": "2024-09-22T00:00:00Z"}
    shown = (await client.get("/v1/users/alice/days", params=parameters, headers=auth("alice"))).json()
    assert (shown["begin"], [day["day"] for day in shown["days"]]) == ("2024-09-21T00:00:00Z", ["2024-09-21"])


async def test_days_that_have_left_are_outside_of_the_range_and_a_range_of_these_alone_is_refused(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    for day in ("2024-09-20", "2024-09-21"):
        key = day_key("alice", day)
        await worker.put(GAMIFICATION_DAYS.name, key, UserDay(xp=5), partition=worker.partition("alice"))
    noon = int(Instant.parse("2024-09-21T00:00:00Z"))
    await left(worker, since=0, to=noon)
    path, headers = "/v1/users/alice/days", auth("alice")
    shown = (await client.get(path, params={"end": "2024-09-22T00:00:00Z"}, headers=headers)).json()
    assert (shown["begin"], [day["day"] for day in shown["days"]]) == ("2024-09-21T00:00:00Z", ["2024-09-21"])
    answer = await client.get(path, params={"end": shown["begin"]}, headers=headers)
    assert_problem(answer, 410, "rows-left")
