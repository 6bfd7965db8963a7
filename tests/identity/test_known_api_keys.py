"""What a process knows of API keys, on both databases: read once, read again in the background, bounded."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from api.auth import Principal
from api.identity.accounts import create_account
from api.identity.api_keys import known
from api.identity.api_keys.known import KEPT_S, READ_AGAIN_S, UNKNOWN_S, KnownKeys
from api.identity.api_keys.store import NewKey, create_key
from api.identity.revocation import Revocations
from api.identity.store.database import IdentityStore
from api.identity.store.errors import StoreUnavailableError
from api.identity.store.tables import API_KEYS
from api.kit.problems import Problem
from api.permissions import Scope
from streams.times import SECOND_US, Instant
from tests.identity.api_keys import with_checksum
from tests.identity.test_accounts import NOW


class Process:
    """The keys that one process knows, with a clock that the test sets."""

    def __init__(self, store: IdentityStore) -> None:
        self.at_s = 0.0
        self.paid = 0
        self.keys = KnownKeys(store, Revocations(), lambda: Instant(int(NOW + self.at_s * SECOND_US)))

    async def _pay(self) -> None:
        self.paid += 1

    async def use(self, text: str) -> Principal | str:
        """Return the caller of a key, or what the refusal says."""
        try:
            return await self.keys.caller(text, lambda: "192.0.2.1", self._pay)
        except Problem as problem:
            return problem.detail

    async def read_in_background(self) -> None:
        await asyncio.gather(*self.keys._reading.values(), return_exceptions=True)


async def made(store: IdentityStore, count: int = 1) -> list[str]:
    async with store.work(NOW) as work:
        await create_account(work, username="alice", account_id="alice")
        new = NewKey(name="bot", scopes=frozenset({Scope.TRADE}))
        return [(await create_key(work, "alice", new, actor="alice")).text for _ in range(count)]


async def end_all(store: IdentityStore) -> None:
    """Revoke the keys in the store alone, as nothing but a reading can notice."""
    async with store.work(NOW) as work:
        await work.connection.execute(update(API_KEYS).values(revoked_us=int(NOW)))


@pytest.fixture
def process(store: IdentityStore) -> Process:
    return Process(store)


async def test_requests_at_once_share_the_reading_of_a_key(store: IdentityStore, process: Process) -> None:
    (key,) = await made(store)
    reads, read = [], store.read

    def count() -> object:
        reads.append(1)
        return read()

    store.read = count  # type: ignore[method-assign, assignment]
    found = await asyncio.gather(*(process.use(key) for _ in range(20)))
    assert all(isinstance(one, Principal) and one.subject == "alice" for one in found)
    assert len(reads) == 1


async def test_a_key_is_read_again_in_the_background(store: IdentityStore, process: Process) -> None:
    (key,) = await made(store)
    await process.use(key)
    await end_all(store)
    process.at_s = READ_AGAIN_S - 1
    assert isinstance(await process.use(key), Principal)
    process.at_s = READ_AGAIN_S + 1
    assert isinstance(await process.use(key), Principal), "the request does not wait for the reading"
    await process.read_in_background()
    assert await process.use(key) == known.KEY_REVOKED
    assert process.paid == 1


async def test_a_known_key_goes_on_without_the_store_for_a_day(store: IdentityStore, process: Process) -> None:
    (key,) = await made(store)
    await process.use(key)

    def away() -> None:
        raise StoreUnavailableError("away")

    store.read = away  # type: ignore[method-assign, assignment]
    for seconds in (READ_AGAIN_S + 1, KEPT_S - 1):
        process.at_s = seconds
        assert isinstance(await process.use(key), Principal)
        await process.read_in_background()
    process.at_s = KEPT_S
    assert "cannot be reached" in str(await process.use(key))


async def test_a_refusal_is_remembered_for_some_seconds_only(store: IdentityStore, process: Process) -> None:
    (key,) = await made(store)
    await end_all(store)
    unknown = with_checksum(f"ak_0192aaaa-0000-7000-8000-000000000001_{'0' * 64}")
    for paid in (2, 2, 4):
        assert (await process.use(key), await process.use(unknown)) == (known.KEY_REVOKED, known.NOT_VALID)
        assert process.paid == paid
        process.at_s += UNKNOWN_S / 2
    async with store.work(NOW) as work:
        await work.connection.execute(update(API_KEYS).values(revoked_us=None))
    process.at_s += UNKNOWN_S
    assert isinstance(await process.use(key), Principal)


async def test_a_process_knows_so_many_keys_and_guesses_push_none_out(
    store: IdentityStore, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "KEYS_KNOWN_MAX", 2)
    monkeypatch.setattr(known, "UNKNOWN_MAX", 3)
    keys = await made(store, 3)
    for key in keys:
        await process.use(key)
    for number in range(9):
        await process.use(with_checksum(f"ak_0192aaaa-0000-7000-8000-00000000000{number}_{'0' * 64}"))
    assert (len(process.keys._known), len(process.keys._unknown)) == (2, 3)
    paid = process.paid
    for key in keys[1:]:
        assert isinstance(await process.use(key), Principal)
    assert process.paid == paid
