"""Revocations and signing keys as an API process learns them: late commits, restarts, a database that is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from api import auth
from api.auth import Principal, Role
from api.identity import service
from api.identity.accounts import create_account
from api.identity.limits import ACCESS_TTL_S, LATE_COMMIT_US
from api.identity.revocation import Revocations, revoke
from api.identity.secret import Seal
from api.identity.service import Identity
from api.identity.sessions import Client, Sessions, open_sessions
from api.identity.signing_keys import retire, rotate
from api.identity.store.database import IdentityStore
from api.identity.store.tables import REVOCATIONS
from api.kit.background import BackgroundTasks
from api.kit.clock import now
from api.kit.context import Api
from api.kit.problems import Problem
from streams.times import DAY_US, SECOND_US, Instant
from tests.support.tokens import KEYS, SECRET

START = Instant(1_800_000_000_000_000)
CLIENT = Client("192.0.2.1", "a test")


def at(seconds: float) -> Instant:
    return Instant(int(START + seconds * SECOND_US))


def caller(session: str | None = None, issued_s: float = 0) -> Principal:
    return Principal("alice", Role.USER, session, at(issued_s))


def key(polls_before: int) -> Principal:
    """Return the caller of an API key that the process read after so many polls."""
    return Principal("alice", Role.USER, key_id="k-1", polls_before=polls_before)


async def known(store: IdentityStore, revocations: Revocations | None = None, seconds: float = 0) -> Revocations:
    """Return the revocations that a process knows after a poll."""
    revocations = Revocations() if revocations is None else revocations
    async with store.read() as connection:
        await revocations.read(connection, at(seconds))
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
    assert revocations.is_revoked(key(0))
    assert not revocations.is_revoked(caller(issued_s=-1))
    assert not revocations.is_revoked(key(1)), "it was read again"


async def test_a_key_is_void_with_its_account(store: IdentityStore) -> None:
    async with store.work(START) as work:
        await revoke(work, "account", "alice")
    revocations = await known(store)
    assert revocations.is_revoked(key(0))
    assert not revocations.is_revoked(key(1))


async def test_a_key_that_was_read_while_its_revocation_waited_for_the_commit_is_void(store: IdentityStore) -> None:
    """The revocation notes its time, a process reads the key as it was, and then the revocation commits."""
    revocations = await known(store)
    read_now = key(revocations.polls)
    async with store.work(START) as work:
        await revoke(work, "api-key", "k-1")
    await known(store, revocations, seconds=3)
    assert revocations.is_revoked(read_now)
    for seconds in (4, 5):
        assert not revocations.is_revoked(key(2)), "this reading saw the commit"
        await known(store, revocations, seconds)


async def test_a_revocation_that_commits_after_a_later_one_voids_keys_that_were_read_in_between(
    store: IdentityStore,
) -> None:
    async with store.work(at(20)) as work:
        await revoke(work, "account", "alice")
    revocations = await known(store, seconds=21)
    read_in_between = key(revocations.polls)
    assert not revocations.is_revoked(read_in_between)
    async with store.work(at(15)) as late:
        await revoke(late, "account", "alice")
    await known(store, revocations, seconds=22)
    assert revocations.is_revoked(read_in_between)
    assert not revocations.is_revoked(key(revocations.polls))
    assert revocations.is_revoked(caller(issued_s=19)), "the later revocation still counts for tokens"


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
    await known(store, revocations, 1 + 10 * LATE_COMMIT_US / SECOND_US)
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
    background = BackgroundTasks()
    for name, task in identity.tasks().items():
        background.start(task, name)
    yield identity
    await background.stop()
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


async def test_slow_work_on_the_store_does_not_delay_the_poll_of_revocations(
    store: IdentityStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = {"uses of API keys": asyncio.Event(), "identity purge": asyncio.Event()}

    def hang(name: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def work() -> None:
            stuck[name].set()
            await asyncio.Event().wait()

        return work

    for constant in ("POLL_S", "NOTE_USES_S", "PURGE_S"):
        monkeypatch.setattr(service, constant, 0.01)
    identity = Identity(store, SECRET, now)
    monkeypatch.setattr(identity.api_keys, "note_uses", hang("uses of API keys"))
    monkeypatch.setattr(identity, "purge", hang("identity purge"))
    await identity.begin()
    read, polls, polled = identity.revocations.read, [0], asyncio.Event()

    async def poll(connection: AsyncConnection, at: Instant) -> None:
        await read(connection, at)
        polls[0] += all(event.is_set() for event in stuck.values())
        if polls[0] == 3:
            polled.set()

    monkeypatch.setattr(identity.revocations, "read", poll)
    tasks = [asyncio.create_task(task, name=name) for name, task in identity.tasks().items()]
    async with asyncio.timeout(5):
        await polled.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    identity.passwords.close()


async def test_the_api_supervises_the_tasks_of_identity(api: Api) -> None:
    names = {task.get_name() for task in api.background._tasks}
    assert names >= {"identity", "uses of API keys", "identity purge"}


async def test_each_kind_that_has_expired_is_deleted_in_a_transaction_of_its_own(
    store: IdentityStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, works, work = Identity(store, SECRET, now), [], store.work

    def count(at: Instant) -> object:
        works.append(at)
        return work(at)

    monkeypatch.setattr(store, "work", count)
    await identity.purge()
    assert len(works) == len(service.PURGES) == 6
    identity.passwords.close()
