"""Changes of one account's password at the same time as sign-ins and suspensions, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from api.identity import account_changes as changes
from api.identity import sign_in
from api.identity.key_ring import KeyRing
from api.identity.passwords import Argon2Parameters, Passwords
from api.identity.sessions import Client, Sessions, end_other_sessions
from api.identity.sign_in import NotActiveError, SignIn, WrongCredentialsError, password_hash_of
from api.identity.store.database import IdentityStore
from api.identity.store.tables import SESSIONS
from tests.identity.signing_in import CHEAP, OTHER_PASSWORD, PASSWORD
from tests.identity.test_accounts import NOW, create
from tests.support.tokens import KEY

CLIENT = Client("192.0.2.1")


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(CHEAP)
    yield made
    made.close()


def signing_in(store: IdentityStore, passwords: Passwords) -> SignIn:
    return SignIn(store, passwords, Sessions(KeyRing([KEY])), lambda: NOW)


async def open_sessions(store: IdentityStore) -> int:
    async with store.read() as connection:
        return len((await connection.scalars(select(SESSIONS.c.id).where(SESSIONS.c.ended_us.is_(None)))).all())


async def test_no_sign_in_with_the_old_password_outlives_its_change(
    store: IdentityStore, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create(store, "alice", account_id="alice", password_hash=await passwords.hash(PASSWORD))
    sign_ins: list[asyncio.Task[Any]] = []

    async def slow(*given: Any) -> int:
        ended = await end_other_sessions(*given)
        sign_ins.append(asyncio.create_task(signing_in(store, passwords).login("alice", PASSWORD, CLIENT)))
        await asyncio.wait(sign_ins, timeout=1)  # the sign-in goes as far as it can
        return ended

    monkeypatch.setattr(sign_in, "end_other_sessions", slow)
    await signing_in(store, passwords).change_password("alice", None, PASSWORD, OTHER_PASSWORD, CLIENT)
    with pytest.raises(WrongCredentialsError):
        await sign_ins[0]
    assert await open_sessions(store) == 0


async def test_an_account_that_is_suspended_meanwhile_keeps_its_password(
    store: IdentityStore, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = await passwords.hash(PASSWORD)
    await create(store, "alice", account_id="alice", password_hash=stored)
    hashed = passwords.hash

    async def hash_while_suspended(password: str) -> str:
        async with store.work(NOW) as work:
            await changes.suspend(work, "alice", actor="moderator-1", reason="spam")
        return await hashed(password)

    monkeypatch.setattr(passwords, "hash", hash_while_suspended)
    with pytest.raises(NotActiveError):
        await signing_in(store, passwords).change_password("alice", None, PASSWORD, OTHER_PASSWORD, CLIENT)
    async with store.read() as connection:
        assert await password_hash_of(connection, "alice") == stored


async def test_sign_ins_that_hash_an_outdated_password_at_the_same_time_all_succeed(
    store: IdentityStore, passwords: Passwords
) -> None:
    outdated = Passwords(Argon2Parameters(memory_kib=32, passes=1, lanes=1))
    stored = await outdated.hash(PASSWORD)
    outdated.close()
    await create(store, "alice", account_id="alice", password_hash=stored)
    signing = signing_in(store, passwords)
    await asyncio.gather(*(signing.login("alice", PASSWORD, CLIENT) for _ in range(3)))
    assert await open_sessions(store) == 3
    async with store.read() as connection:
        assert await password_hash_of(connection, "alice") != stored
