"""Revocations and signing keys as an API process learns them: late commits, restarts, a database that is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from api import auth
from api.auth import Principal, Role
from api.identity import service
from api.identity.accounts import create_account
from api.identity.limits import ACCESS_TTL_S
from api.identity.revocation import LATE_COMMIT_S, Revocations, revoke
from api.identity.secret import Seal
from api.identity.service import Identity
from api.identity.sessions import Client, Sessions, open_sessions
from api.identity.signing_keys import retire, rotate
from api.identity.store.database import IdentityStore
from api.identity.store.tables import REVOCATIONS
from api.kit.clock import now
from api.kit.problems import Problem
from streams.times import DAY_US, SECOND_US, Instant
from tests.support.tokens import KEYS, SECRET

START = Instant(1_800_000_000_000_000)
CLIENT = Client("192.0.2.1", "a test")


def at(seconds: float) -> Instant:
    return Instant(int(START + seconds * SECOND_US))


def caller(session: str | None = None, issued_s: float = 0, key: str | None = None) -> Principal:
    return Principal("alice", Role.USER, session, at(issued_s), key_id=key)


async def known(store: IdentityStore, revocations: Revocations | None = None, seconds: float = 0) -> Revocations:
    """Return the revocations that a process knows after a poll."""
    revocations = Revocations() if revocations is None else revocations
    async with store.read() as connection:
        await revocations.read(connection, lambda: at(seconds))
    return revocations


async def test_a_revoked_session_is_void_whenever_its_tokens_were_issued(store: IdentityStore) -> None:
    """Clocks of processes differ: another one may have issued a token 'after' the revocation."""
    async with store.work(START) as work:
        await revoke(work, "session", "s-1")
    revocations = await known(store)
    assert revocations.is_revoked(caller("s-1", issued_s=0))
    assert revocations.is_revoked(caller("s-1", issued_s=60))
    assert not revocations.is_revoked(caller("s-2", issued_s=0))
    assert not revocations.is_revoked(caller(None))


async def test_a_revoked_account_is_void_for_tokens_issued_before(store: IdentityStore) -> None:
    async with store.work(START) as work:
        await revoke(work, "account", "alice")
    revocations = await known(store)
    assert revocations.is_revoked(caller(issued_s=-0.000_001))
    assert not revocations.is_revoked(caller(issued_s=0))
    assert not revocations.is_revoked(Principal("bob", Role.USER, issued_at_us=int(at(-9))))


async def test_the_latest_revocation_of_an_account_counts(store: IdentityStore) -> None:
    for seconds in (10, 0):
        async with store.work(at(seconds)) as work:
            await revoke(work, "account", "alice")
    assert (await known(store, seconds=11)).is_revoked(caller(issued_s=9))


async def test_a_revoked_key_is_void_and_its_account_is_not(store: IdentityStore) -> None:
    async with store.work(START) as work:
        await revoke(work, "api-key", "k-1")
    revocations = await known(store)
    assert revocations.is_revoked(caller(issued_s=-1, key="k-1"))
    assert not revocations.is_revoked(caller(issued_s=-1))
    assert not revocations.is_revoked(caller(issued_s=1, key="k-1")), "it was read again"


async def test_a_key_is_void_with_its_account(store: IdentityStore) -> None:
    async with store.work(START) as work:
        await revoke(work, "account", "alice")
    revocations = await known(store)
    assert revocations.is_revoked(caller(issued_s=-1, key="k-1"))
    assert not revocations.is_revoked(caller(issued_s=1, key="k-1"))


async def test_a_key_that_was_read_while_its_revocation_waited_for_the_commit_is_void(store: IdentityStore) -> None:
    """The revocation notes its time, a process reads the key as it was, and then the revocation commits."""
    async with store.work(START) as work:
        await revoke(work, "api-key", "k-1")
    revocations = await known(store, seconds=3)
    assert revocations.is_revoked(caller(issued_s=2, key="k-1"))
    assert not revocations.is_revoked(caller(issued_s=3.1, key="k-1")), "this reading saw the commit"


async def test_revoking_an_account_ends_its_sessions(store: IdentityStore) -> None:
    async with store.work(START) as work:
        account = await create_account(work, username="alice")
        signed_in = [await Sessions(KEYS).open_session(work, account, "password", CLIENT) for _ in range(2)]
    async with store.work(at(1)) as work:
        await revoke(work, "account", account.id, "suspended")
    revocations = await known(store, seconds=1)
    for each in signed_in:
        assert revocations.is_revoked(Principal(account.id, Role.USER, each.session_id, issued_at_us=int(at(60))))
    async with store.read() as connection:
        assert not await open_sessions(connection, account.id, at(1))


async def test_a_commit_that_comes_late_is_seen(store: IdentityStore) -> None:
    """A transaction writes down its time and commits later, when other processes have polled past that time."""
    revocations = await known(store, seconds=120)
    async with store.work(at(100)) as late:
        await revoke(late, "session", "s-late")
    await known(store, revocations, 121)
    assert revocations.is_revoked(caller("s-late"))


async def test_a_process_that_was_blind_or_paused_misses_nothing(store: IdentityStore) -> None:
    revocations = await known(store)
    async with store.work(at(1)) as work:
        await revoke(work, "session", "s-1")
    await known(store, revocations, 1 + 10 * LATE_COMMIT_S)
    assert revocations.is_revoked(caller("s-1"))


async def test_a_process_that_starts_later_knows_all_revocations_in_force(store: IdentityStore) -> None:
    async with store.work(START) as work:
        await revoke(work, "session", "s-1")
    assert (await known(store, seconds=ACCESS_TTL_S)).is_revoked(caller("s-1"))


async def test_revocations_are_forgotten_when_their_tokens_have_expired(store: IdentityStore) -> None:
    async with store.work(START) as work:
        await revoke(work, "session", "s-1")
        await revoke(work, "account", "alice")
    revocations = await known(store)
    assert len(revocations) == 2
    assert len(await known(store, revocations, ACCESS_TTL_S + 5)) == 2, "a token may just have been issued"
    assert len(await known(store, revocations, ACCESS_TTL_S + 120)) == 1
    assert len(await known(store, revocations, 2 * DAY_US / SECOND_US)) == 0


async def test_what_has_expired_is_deleted(store: IdentityStore) -> None:
    identity = Identity(store, SECRET, lambda: at(3 * DAY_US / SECOND_US))
    async with store.work(START) as work:
        await revoke(work, "session", "s-1")
    await identity.purge()
    async with store.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(REVOCATIONS))).scalar_one() == 0


@pytest.fixture
async def identity(store: IdentityStore) -> AsyncIterator[Identity]:
    identity = Identity(store, SECRET, now)
    await identity.begin()
    task = asyncio.create_task(identity.run())
    yield identity
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    identity.passwords.close()


async def test_a_remembered_token_is_refused_when_its_key_is_retired(identity: Identity, store: IdentityStore) -> None:
    key = identity.keys.signing(now())
    token = auth.mint(key, "alice", Role.USER, now=now())
    assert identity.tokens.caller(token, now()).subject == "alice"
    async with store.work(now()) as work:
        await rotate(work, Seal(SECRET), at_once=True)
        await retire(work, Seal(SECRET), key.kid)
    for _ in range(100):
        await asyncio.sleep(0.05)
        with suppress(Problem):
            identity.tokens.caller(token, now())
            continue
        break
    with pytest.raises(Problem, match="not valid here"):
        identity.tokens.caller(token, now())


async def test_a_process_whose_database_is_away_says_so_and_recovers(
    identity: Identity, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> Iterator[None]:
        raise OperationalError("SELECT 1", {}, OSError("gone"))

    monkeypatch.setattr(service, "BLIND_AFTER_S", 1.0)
    assert identity.fault() is None
    with monkeypatch.context() as broken:
        broken.setattr(identity.store, "read", away)
        for _ in range(200):
            await asyncio.sleep(0.02)
            if identity.fault():
                break
        assert identity.fault() == "the database of accounts cannot be reached"
        await asyncio.sleep(1.2)
    for _ in range(200):
        await asyncio.sleep(0.02)
        if identity.fault() is None:
            break
    assert identity.fault() is None
    await asyncio.sleep(0.1)
    assert [record.message[:28] for record in caplog.records if record.name == "api.identity.service"] == [
        "cannot read revocations and ",
        "revocations and signing keys",
    ]
