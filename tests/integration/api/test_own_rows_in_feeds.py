"""Public feeds cut the times of users, but not for themselves."""

from __future__ import annotations

import asyncio

import httpx

from streams.times import Instant
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tests.integration.api.sse import Reader
from tests.integration.api.support import Worker, auth


async def test_users_see_their_own_times_whole_and_others_see_the_hour(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    first, second = Instant(90 * 60_000_000), Instant(95 * 60_000_000)
    await worker.put_user(GAMIFICATION_PROGRESS.name, "alice", Progress(xp=1, max_leverage=10, updated_at=first))
    readers = [
        Reader(server, "/v1/feed/progress", {"headers": headers}) for headers in ({}, auth("alice"), auth("bob"))
    ]
    reading = [
        asyncio.create_task(reader.read(lambda one: one.table.get("alice", {}).get("xp") == 2)) for reader in readers
    ]
    for reader in readers:
        await reader.current.wait()
    shown = [[reader.table["alice"]["updated_at"] for reader in readers]]
    await worker.put_user(GAMIFICATION_PROGRESS.name, "alice", Progress(xp=2, max_leverage=10, updated_at=second))
    await asyncio.gather(*reading)
    shown.append([reader.table["alice"]["updated_at"] for reader in readers])
    hour = "1970-01-01T01:00:00Z"
    assert shown == [[hour, first.text(), hour], [hour, second.text(), hour]]
