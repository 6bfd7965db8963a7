"""What a process knows of API keys, on both databases: read once, read again in the background, bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Row, update
from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth import Principal
from api.identity.accounts import create_account
from api.identity.api_keys import known
from api.identity.api_keys.known import KEPT_S, READ_AGAIN_S, UNKNOWN_S, KnownKeys
from api.identity.api_keys.store import NewKey, create_key, find_with_account, keys_of, note_uses, revoke_key
from api.identity.api_keys.text import id_in
from api.identity.revocation import Revocations
from api.identity.store.database import IdentityStore
from api.identity.store.errors import StoreUnavailableError
from api.identity.store.tables import API_KEYS
from api.kit.problems import Problem
from api.permissions import Scope
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.times import SECOND_US, Instant
from tests.identity.api_keys import with_checksum
from tests.identity.test_accounts import NOW


class Process:
    """The keys that one process knows, with a clock that the test sets."""

    def __init__(self, store: IdentityStore) -> None:
        self.at_s = 0.0
        self.paid = 0
        self.revocations = Revocations()
        self.keys = KnownKeys(store, self.revocations, lambda: Instant(int(NOW + self.at_s * SECOND_US)))

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


async def test_a_clock_that_is_set_back_keeps_no_key_alive_that_was_read_before(
    store: IdentityStore, process: Process
) -> None:
    (key,) = await made(store)
    process.at_s = 600
    assert isinstance(await process.use(key), Principal)
    process.at_s = 0
    async with store.work(NOW) as work:
        (mine,) = await keys_of(work.connection, "alice")
        assert await revoke_key(work, "alice", mine.id, actor="alice")
    async with store.read() as connection:
        await process.revocations.read(connection, NOW)
    assert await process.use(key) == known.KEY_REVOKED


async def test_uses_are_written_in_one_order_and_a_bounded_number_at_once(
    store: IdentityStore, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure keeps what was not written for the next time."""
    monkeypatch.setattr(known, "USES_MAX", 2)
    keys = sorted(await made(store, 5), key=str)
    for key in reversed(keys):
        await process.use(key)
    written: list[list[str]] = []
    broken = [False, True]

    async def record(work: UnitOfWork, uses: Mapping[str, Instant]) -> None:
        if broken and broken.pop(0):
            raise StoreUnavailableError("away")
        written.append(list(uses))
        await note_uses(work, uses)

    monkeypatch.setattr(known, "note_uses", record)
    with pytest.raises(StoreUnavailableError):
        await process.keys.note_uses()
    await process.keys.note_uses()
    ids = [id_in(key) for key in keys]
    assert written == [ids[:2], ids[2:4], ids[4:]]
    await process.keys.note_uses()
    assert len(written) == 3
    async with store.read() as connection:
        assert all(key.last_used == NOW for key in await keys_of(connection, "alice"))


async def test_an_outage_is_logged_once_and_its_end_is_noticed(
    store: IdentityStore, process: Process, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreUnavailableError("the database is away")

    (key,) = await made(store)
    await process.use(key)
    for _ in range(2):
        with monkeypatch.context() as outage:
            outage.setattr(store, "read", away)
            for _ in range(3):
                process.at_s += READ_AGAIN_S + 1
                await process.use(key)
                await process.read_in_background()
        process.at_s += READ_AGAIN_S + 1
        await process.use(key)
        await process.read_in_background()
    logged = [record.message for record in caplog.records if record.name == known.__name__]
    assert logged == ["cannot read API keys: the database is away"] * 2


@pytest.mark.parametrize("hangs", [False, True])
async def test_the_end_of_a_process_waits_for_readings_within_bounds(
    store: IdentityStore, process: Process, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    (key,) = await made(store)
    await process.use(key)
    going_on = asyncio.Event()

    async def wait(connection: AsyncConnection, key_id: str) -> Row[Any] | None:
        await going_on.wait()
        return await find_with_account(connection, key_id)

    monkeypatch.setattr(known, "find_with_account", wait)
    monkeypatch.setattr(known, "END_S", 0.05 if hangs else 5)
    process.at_s = READ_AGAIN_S + 1
    await process.use(key)
    (reading,) = process.keys._reading.values()
    if not hangs:
        asyncio.get_running_loop().call_later(0.05, going_on.set)
    await process.keys.close()
    assert (reading.done(), reading.cancelled()) == (True, hangs)
