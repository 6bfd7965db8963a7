"""Queries and feeds while the tables get more partitions, and afterwards: nothing is shown that no event caused."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from faust_redis.log import Log, ResizingError
from faust_redis.resizing import ByKey, CannotResizeError, Resize

from streams.topology import changelog_topic
from tables.reader import TableReader
from tests.integration.api.sse import Reader
from tests.integration.api.support import PARTITIONS, Worker
from tests.integration.api.test_feeds import TABLE, has, progress

TOPIC = changelog_topic("astratrade", TABLE)
NEW = 8 * PARTITIONS
USERS = [f"user-{number}" for number in range(20)]


class Held(Resize):
    """A resize that stops when it is about to move rows, and goes on when the test says so."""

    def __init__(self, log: Log) -> None:
        super().__init__(log, [TOPIC], {}, ByKey())
        self.moving, self.goes_on = asyncio.Event(), asyncio.Event()

    async def _move_partition(self, *args: Any) -> None:
        await super()._move_partition(*args)
        self.moving.set()
        await self.goes_on.wait()


async def test_a_query_finds_a_row_where_it_moved_to(log: Log, worker: Worker) -> None:
    for user in USERS:
        await worker.put_user(TABLE, user, progress(1))
    reader = TableReader(log, "astratrade")
    await reader.get(TABLE, USERS[0], owner=USERS[0])
    async with Log(log.url, log.keys.namespace) as other:  # so that the reader's client does not know
        await Resize(other, [TOPIC], {}, ByKey()).run(NEW)
    for user in USERS:
        _, row = await reader.get(TABLE, user, owner=user)
        assert row is not None, user
    position, rows = await reader.get_many(TABLE, [(user, user) for user in USERS])
    assert None not in rows
    assert position.offsets.keys() == set(range(NEW))
    assert len((await reader.rows(TABLE)).rows) == len(USERS)


async def test_while_rows_move_a_query_says_so_and_a_feed_waits(
    server: httpx.AsyncClient, log: Log, worker: Worker
) -> None:
    for user in USERS:
        await worker.put_user(TABLE, user, progress(1))
    feed = Reader(server, "/v1/feed/progress")
    reading = asyncio.create_task(feed.read(has(dict.fromkeys(USERS, 1) | {"late": 2})))
    await feed.current.wait()
    async with Log(log.url, log.keys.namespace) as other:
        held = Held(other)
        resizing = asyncio.create_task(held.run(NEW))
        await held.moving.wait()
        with pytest.raises(ResizingError, match="move to other partitions just now"):
            await TableReader(log, "astratrade").get(TABLE, USERS[0], owner=USERS[0])
        await asyncio.sleep(0.3)
        assert feed.resyncs == []
        held.goes_on.set()
        await resizing
    log.keeps_partitions = False
    await log.topic(TOPIC, fresh=True)
    await Worker(log, "astratrade").put_user(TABLE, "late", progress(2))
    await reading
    assert feed.resyncs == ["epoch"]
    assert feed.names.count("delta") <= 1, "a row that moved is no change"


async def test_a_resize_of_a_topic_that_groups_have_yet_to_process_is_refused(log: Log, worker: Worker) -> None:
    await worker.put_user(TABLE, "alice", progress(1))
    with pytest.raises(CannotResizeError, match=f"g has 1 records of {TOPIC}"):
        await Resize(log, [TOPIC], {"g": [TOPIC]}, ByKey()).run(NEW, drain_s=0.1)
