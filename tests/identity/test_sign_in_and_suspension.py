"""A sign-in and a suspension at the same time, on both databases: no session of a suspended account stays open."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from api.identity import account_changes as changes
from api.identity.key_ring import KeyRing
from api.identity.passwords import Passwords
from api.identity.sessions import Client, Sessions
from api.identity.sign_in import SignIn
from api.identity.store.database import IdentityStore
from api.identity.store.tables import SESSIONS
from tests.identity.test_accounts import NOW, create
from tests.support.tokens import KEY

PASSWORD = "zephyr-quilt-mattress"


async def test_a_suspension_during_a_sign_in_ends_the_new_session(
    store: IdentityStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def suspend() -> None:
        async with store.work(NOW) as work:
            await changes.suspend(work, "alice", actor="moderator-1", reason="spam")

    suspensions = []

    class Slow(Sessions):
        async def open_session(self, work: Any, *rest: Any) -> Any:
            suspensions.append(asyncio.create_task(suspend()))
            await asyncio.sleep(0.3)  # the account is found active; the suspension goes as far as it can
            return await super().open_session(work, *rest)

    passwords = Passwords()
    await create(store, "alice", account_id="alice", password_hash=await passwords.hash(PASSWORD))
    await SignIn(store, passwords, Slow(KeyRing([KEY])), lambda: NOW).login("alice", PASSWORD, Client("192.0.2.1"))
    await suspensions[0]
    passwords.close()
    async with store.read() as connection:
        assert list(await connection.scalars(select(SESSIONS.c.ended_why))) == ["suspended"]
