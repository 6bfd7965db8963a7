"""A database that is away or busy: a clear error of the store, and 503 with Retry-After for the client."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from api.identity import accounts
from api.identity.store import engine
from api.identity.store.database import IdentityStore
from api.identity.store.errors import StoreUnavailableError
from api.kit import handlers
from tests.identity.test_accounts import NOW, create
from tests.support.databases import execute
from tests.support.postgres import PostgresServer

AWAY = "postgresql://nobody@127.0.0.1:1/none"


async def test_a_database_that_is_away_is_an_error_of_the_store() -> None:
    store = IdentityStore(AWAY)
    for block in (store.read(), store.work(NOW)):
        with pytest.raises(StoreUnavailableError, match="cannot connect to the database"):
            async with block:
                pass
    await store.close()


async def test_a_writer_that_waits_too_long_for_another_process_gives_up(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_MS", 100)
    monkeypatch.setattr(engine, "LOCK_MS", 100)
    holder, waiter = IdentityStore(database_url), IdentityStore(database_url)
    await create(holder, "alice", account_id="alice")
    async with holder.work(NOW) as work:
        await accounts.get(work.connection, "alice", lock=True)
        with pytest.raises(StoreUnavailableError, match="the database is not available: "):
            async with waiter.work(NOW) as second:
                await accounts.get(second.connection, "alice", lock=True)
    async with waiter.work(NOW) as second:
        await accounts.get(second.connection, "alice", lock=True)
    for store in (holder, waiter):
        await store.close()


async def test_a_process_whose_connections_are_all_busy_says_so(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "CONNECTIONS_MAX", 1)
    monkeypatch.setattr(engine, "POOL_WAIT_S", 0.1)
    store = IdentityStore(database_url)
    async with store.read():
        with pytest.raises(StoreUnavailableError, match="all connections to the database are busy"):
            async with store.read():
                pass
    await store.close()


async def test_a_connection_that_the_server_ended_is_replaced(postgres_server: PostgresServer) -> None:
    store = IdentityStore(postgres_server.url())

    async def end(connection: AsyncConnection) -> None:
        pid = await connection.scalar(text("SELECT pg_backend_pid()"))
        await execute(postgres_server, f"SELECT pg_terminate_backend({pid}, 5000)")

    async def work_on() -> None:
        async with store.read() as connection:
            await end(connection)
            await connection.execute(text("SELECT 1"))

    with pytest.raises(StoreUnavailableError, match="not available"):
        await work_on()
    async with store.read() as connection:
        pid = await connection.scalar(text("SELECT pg_backend_pid()"))
    await execute(postgres_server, f"SELECT pg_terminate_backend({pid}, 5000)")
    async with store.read() as connection:  # the pool still holds the dead connection
        assert await connection.scalar(text("SELECT pg_backend_pid()")) != pid
    await store.close()


async def test_a_client_is_told_to_try_again() -> None:
    app = FastAPI()
    handlers.install(app)

    @app.get("/")
    async def fail() -> None:
        raise StoreUnavailableError("cannot connect to the database at postgres-1.internal")

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["detail"] == "the database of accounts is not available just now; try again"
