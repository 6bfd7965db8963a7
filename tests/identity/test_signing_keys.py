"""Signing keys: sealed in the store, replaced with an overlap, known to every process."""

from __future__ import annotations

import asyncio
import getpass
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from api.auth import Role
from api.identity import audit
from api.identity.errors import KeyChangeError, WrongSecretError
from api.identity.key_ring import KeyRing
from api.identity.limits import ACCESS_TTL_S_MAX
from api.identity.secret import Seal
from api.identity.service import Identity
from api.identity.signing_keys import (
    OVERLAP_S,
    PUBLISHED_AHEAD_S,
    ensure_key,
    load_keys,
    purge_signing_keys,
    retire,
    rotate,
)
from api.identity.store.database import IdentityStore
from api.identity.store.tables import SIGNING_KEYS
from api.kit.clock import now
from deploy.admin.tokens import issue
from deploy.cli.commands.keys import keys
from deploy.settings import Settings
from streams.times import SECOND_US, Instant
from tests.support.tokens import SECRET

SEAL = Seal(SECRET)
START = Instant(1_800_000_000_000_000)


def at(seconds: float) -> Instant:
    return Instant(int(START + seconds * SECOND_US))


async def ring(store: IdentityStore, seal: Seal = SEAL) -> KeyRing:
    async with store.read() as connection:
        return KeyRing(await load_keys(connection, seal))


async def test_processes_that_start_at_once_make_one_key(store: IdentityStore) -> None:
    await asyncio.gather(*(ensure_key(store, SEAL, START) for _ in range(5)))
    async with store.read() as connection:
        assert len(await load_keys(connection, SEAL)) == 1


async def test_a_private_key_cannot_be_read_without_the_secret(store: IdentityStore) -> None:
    await ensure_key(store, SEAL, START)
    key = (await ring(store)).signing(START)
    async with store.read() as connection:
        row = (await connection.execute(select(SIGNING_KEYS))).one()
    assert key.private.private_bytes_raw() not in row.sealed_key
    with pytest.raises(WrongSecretError, match="ASTRA_SECRET is not the one"):
        await ring(store, Seal("t" * 32))


async def test_a_sealed_key_that_was_changed_or_swapped_is_refused(store: IdentityStore) -> None:
    await ensure_key(store, SEAL, START)
    async with store.work(at(1)) as work:
        other = await rotate(work, SEAL)
    async with store.work(at(2)) as work:
        mine = (await work.connection.execute(select(SIGNING_KEYS.c.sealed_key))).scalars().first()
        swapped = update(SIGNING_KEYS).where(SIGNING_KEYS.c.kid == other.kid).values(sealed_key=mine)
        await work.connection.execute(swapped)
    with pytest.raises(WrongSecretError):
        await ring(store)


async def test_a_rotated_key_is_published_before_it_signs_and_the_old_one_verifies_its_last_token(
    store: IdentityStore,
) -> None:
    await ensure_key(store, SEAL, START)
    old = (await ring(store)).signing(START)
    async with store.work(at(100)) as work:
        new = await rotate(work, SEAL)
    known, takes_over = await ring(store), 100 + PUBLISHED_AHEAD_S
    assert [key.kid for key in known.published(at(100))] == [new.kid, old.kid]
    assert known.signing(at(takes_over - 1)).kid == old.kid
    assert known.signing(at(takes_over)).kid == new.kid
    last_token_ends = takes_over + ACCESS_TTL_S_MAX
    assert known.verifying(old.kid, at(last_token_ends)) is not None
    assert known.verifying(old.kid, at(last_token_ends + 10)) is None
    async with store.read() as connection:
        entries = await audit.entries(connection, last=9, subject=new.kid)
    assert [entry.action for entry in entries] == ["signing-key.added"]


async def test_rotating_twice_leaves_the_newest_key(store: IdentityStore) -> None:
    await ensure_key(store, SEAL, START)
    for seconds in (1, 2):
        async with store.work(at(seconds)) as work:
            newest = await rotate(work, SEAL)
    known = await ring(store)
    assert known.signing(at(60)).kid == newest.kid
    assert len(known.published(at(60))) == 3


async def test_a_retired_key_verifies_no_more_and_the_signing_one_cannot_be_retired(store: IdentityStore) -> None:
    await ensure_key(store, SEAL, START)
    old = (await ring(store)).signing(START)
    async with store.work(at(1)) as work:
        with pytest.raises(KeyChangeError, match="signs; run `astratrade keys rotate --at-once`"):
            await retire(work, SEAL, old.kid)
        with pytest.raises(KeyChangeError, match="no key 'nonsense' verifies"):
            await retire(work, SEAL, "nonsense")
        new = await rotate(work, SEAL, at_once=True)
    async with store.work(at(2)) as work:
        await retire(work, SEAL, old.kid)
    known = await ring(store)
    assert known.verifying(old.kid, at(2)) is None
    assert known.signing(at(2)).kid == new.kid


async def test_a_process_opens_the_sealed_keys_only_when_they_have_changed(
    store: IdentityStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, open_seal = [], Seal.open

    def count(seal: Seal, sealed: bytes, name: str) -> bytes:
        opened.append(name)
        return open_seal(seal, sealed, name)

    monkeypatch.setattr(Seal, "open", count)
    identity = Identity(store, SECRET, lambda: at(1))
    await identity.begin()
    for _ in range(3):
        await identity.refresh()
    assert len(opened) == 1
    async with store.work(at(2)) as work:
        new = await rotate(work, SEAL)
    await identity.refresh()
    assert identity.keys.verifying(new.kid, at(2)) is not None
    assert len(opened) == 3
    identity.passwords.close()


async def test_an_expired_key_is_deleted(store: IdentityStore) -> None:
    await ensure_key(store, SEAL, START)
    async with store.work(at(0)) as work:
        new = await rotate(work, SEAL, at_once=True)
    hour_s, counts = 3_600, []
    for seconds in (0, OVERLAP_S + 1, OVERLAP_S + hour_s, OVERLAP_S + hour_s + 1, 10 * OVERLAP_S + hour_s):
        async with store.work(at(seconds)) as work:
            await purge_signing_keys(work)
        async with store.read() as connection:
            counts.append(len(await load_keys(connection, SEAL)))
    assert counts == [2, 2, 2, 1, 1]
    assert (await ring(store)).signing(at(10 * OVERLAP_S + hour_s)).kid == new.kid


def test_the_command_lists_rotates_and_retires(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(keys, [*arguments, "--data-dir", str(tmp_path)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return str(result.output)

    [first] = run("list").splitlines()
    assert "signing" in first
    assert run("rotate", "--at-once").strip().endswith("signs now")
    assert run("retire", first.split()[0]).strip().endswith("are refused")
    states = [line.split()[1] for line in run("list").splitlines()]
    assert states == ["expired", "signing"]
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def test_an_operators_token_is_in_the_audit_log(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)

    async def last() -> audit.Entry:
        store = IdentityStore(settings.identity_url)
        async with store.read() as connection:
            found = (await audit.entries(connection, last=1))[0]
        await store.close()
        return found

    token = issue(settings, "venue-1", Role.VENUE, ttl_s=60)
    entry = asyncio.run(last())
    assert (entry.action, entry.subject, entry.detail["role"]) == ("token.issued", "venue-1", "venue")
    assert entry.actor == f"operator:{getpass.getuser()}"
    assert token not in str(entry)
    assert entry.time_us <= now()
