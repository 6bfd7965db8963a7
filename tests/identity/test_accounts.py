"""Accounts on both databases: unique names, events and audit entries in the same transaction."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from api.auth import Role
from api.identity import accounts, audit, names
from api.identity.accounts import Account, TakenError, UnknownAccountError
from api.identity.names import InvalidNameError
from api.identity.store.database import IdentityStore
from api.identity.store.tables import ACCOUNTS, AUDIT_LOG, CREDENTIALS, OUTBOX
from streams.events import AnyEvent, decode
from streams.events.user import AccountRegistered
from streams.times import Instant

NOW = Instant.parse("2026-11-29T05:00:00Z")


async def create(store: IdentityStore, username: str | None = "alice", **options: Any) -> Account:
    async with store.work(NOW) as work:
        return await accounts.create_account(work, username=username, **options)


async def events(store: IdentityStore) -> list[AnyEvent]:
    async with store.read() as connection:
        values = await connection.scalars(select(OUTBOX.events.c.value).order_by(OUTBOX.events.c.number))
    return [decode(value) for value in values]


async def audited(store: IdentityStore) -> list[tuple[str, str, str]]:
    async with store.read() as connection:
        await audit.verify(connection)
        rows = await connection.execute(select(AUDIT_LOG).order_by(AUDIT_LOG.c.number))
    return [(row.actor, row.action, row.subject) for row in rows]


async def count(store: IdentityStore, table: Any) -> int:
    async with store.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


async def test_an_account_is_created_with_its_event_and_audit_entry(store: IdentityStore) -> None:
    made = await create(store, "Straße", email="Anna@Example.org", password_hash="$argon2id$…", account_id="trader-1")
    async with store.read() as connection:
        assert await accounts.find(connection, "trader-1") == made
        for login in ("strasse", "STRASSE", "anna@example.ORG"):
            assert await accounts.find_by_login(connection, login) == made
        assert await accounts.find_by_login(connection, "straße\0") is None
        assert await accounts.find_by_login(connection, "trader-1") is None
    assert (made.username, made.email, made.role, made.status) == ("Straße", "Anna@Example.org", "user", "active")
    (event,) = await events(store)
    assert event.data == AccountRegistered(user_id="trader-1", role="user", username="Straße")
    assert (event.partitionkey, event.time, event.data.topic) == ("trader-1", NOW, "astra.user.events.v1")
    assert await audited(store) == [("trader-1", "account.created", "trader-1")]
    assert await count(store, CREDENTIALS) == 1


async def test_no_address_and_no_hash_is_in_an_event_or_an_audit_entry(store: IdentityStore) -> None:
    await create(store, "anna", email="Anna@Example.org", password_hash="$argon2id$secret")
    async with store.read() as connection:
        details = [str(detail) for detail in await connection.scalars(select(AUDIT_LOG.c.detail))]
        values = [value.decode() for value in await connection.scalars(select(OUTBOX.events.c.value))]
    for written in (*details, *values):
        assert "xample" not in written
        assert "argon2id" not in written


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        ({"username": "Straße"}, {"username": "STRASSE"}, "username"),
        ({"username": "alice"}, {"username": "\uff41\uff4cice"}, "username"),  # full-width letters
        ({"username": "bob-1", "email": "x@y.z"}, {"username": "bob-2", "email": "X@Y.Z"}, "email"),
        ({"username": "bob-1", "account_id": "v"}, {"username": "bob-2", "account_id": "v"}, "id"),
    ],
)
async def test_what_another_account_has_is_refused_and_leaves_nothing(
    store: IdentityStore, first: Any, second: Any, field: str
) -> None:
    await create(store, **first)
    with pytest.raises(TakenError) as refused:
        await create(store, **second)
    assert refused.value.field == field
    assert (await count(store, ACCOUNTS), len(await events(store)), len(await audited(store))) == (1, 1, 1)


async def test_two_registrations_of_one_name_at_once_give_one_account(store: IdentityStore) -> None:
    """Each of ten writers has an own connection; on PostgreSQL they run at the same time."""
    written = ["Straße", "STRASSE", "strasse", "straSSe", "\uff33TRASSE"] * 2
    done = await asyncio.gather(*(create(store, name) for name in written), return_exceptions=True)
    made = [one for one in done if isinstance(one, Account)]
    assert len(made) == 1
    assert sum(isinstance(one, TakenError) for one in done) == len(written) - 1
    assert [event.partitionkey for event in await events(store)] == [made[0].id]
    assert await audited(store) == [(made[0].id, "account.created", made[0].id)]


@pytest.mark.parametrize(
    "username", ["", "ab", "a" * 31, "a b", "a@b", "a.b", "_ab", "-ab", "a\0b", "a\u202eb", "ŉ" * 16, "..."]
)
async def test_a_username_that_is_not_accepted_is_refused_before_anything_is_written(
    store: IdentityStore, username: str
) -> None:
    with pytest.raises(InvalidNameError, match="a username has 3 to 30"):
        await create(store, username)
    assert await count(store, ACCOUNTS) == 0


@pytest.mark.parametrize("username", ["abc", "a" * 30, "a_b-c", "7of9", "Straße", "ŉ" * 15, "a--", "a__"])
async def test_a_username_has_3_to_30_letters_digits_underscores_and_hyphens(
    store: IdentityStore, username: str
) -> None:
    assert (await create(store, username)).username == names.username(username)


@pytest.mark.parametrize("email", ["", "a", "@b.c", "a@", "a b@c.d", "a@b@c", "a\0@b.c", "a@" + "b" * 254])
async def test_an_address_that_is_none_is_refused(store: IdentityStore, email: str) -> None:
    with pytest.raises(InvalidNameError, match="an e-mail address is like"):
        await create(store, email=email)


@pytest.mark.parametrize("account_id", ["", "system", "operator:root", "a b", "a" * 65, "-a"])
async def test_an_id_that_is_not_accepted_is_refused(store: IdentityStore, account_id: str) -> None:
    with pytest.raises(InvalidNameError, match="an id "):
        await create(store, account_id=account_id)


def test_the_key_of_a_name_is_its_own_key() -> None:
    for name in ("Straße", "ǅ", "ﬃ", "İstanbul", "ΐ", "\uff41lice", "Ω"):
        assert names.key(names.key(name)) == names.key(name)


async def test_accounts_are_listed_by_pages_and_roles(store: IdentityStore) -> None:
    for number in range(5):
        await create(store, f"user-{number}", account_id=f"id-{number}")
    await create(store, None, account_id="venue-1", role=Role.VENUE)
    await create(store, None, account_id="id-0-bot", parent_id="id-0")
    async with store.read() as connection:
        first = await accounts.page(connection, limit=3)
        second = await accounts.page(connection, after=first[-1].id, limit=10)
        venues = await accounts.page(connection, limit=10, role=Role.VENUE)
        children = await accounts.sub_accounts(connection, "id-0")
        with pytest.raises(UnknownAccountError, match="no account has the id 'nobody'; give the user_id"):
            await accounts.get(connection, "nobody")
    assert len({account.id for account in (*first, *second)}) == 7
    assert [account.id for account in venues] == ["venue-1"]
    assert [account.id for account in children] == ["id-0-bot"]
