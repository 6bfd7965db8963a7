"""Changes of accounts on both databases: status, role, name, privacy; events, audit entries and revocations of each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import insert, select

from api.auth import Role
from api.identity import account_changes as changes
from api.identity import accounts
from api.identity.accounts import Account, AccountError, StatusError, TakenError, UnknownAccountError, Verification
from api.identity.store.database import IdentityStore
from api.identity.store.tables import API_KEYS, AUDIT_LOG, CREDENTIALS, REVOCATIONS, SESSIONS, WALLETS
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.events import EventData
from streams.events.user import (
    AccountClosed,
    AccountReinstated,
    AccountSuspended,
    EmailVerified,
    ProfileChanged,
    RoleChanged,
    VerificationChanged,
    WalletUnlinked,
)
from tests.identity.test_accounts import NOW, audited, create, events

ACTOR = "moderator-1"
PREMIUM = Verification.PREMIUM


async def change(store: IdentityStore, step: Callable[[UnitOfWork], Awaitable[None]]) -> None:
    async with store.work(NOW) as work:
        await step(work)


async def suspend(store: IdentityStore, account_id: str = "alice") -> None:
    await change(store, lambda work: changes.suspend(work, account_id, actor=ACTOR, reason="spam"))


async def current(store: IdentityStore, account_id: str = "alice") -> Account:
    async with store.read() as connection:
        return await accounts.get(connection, account_id)


async def latest(store: IdentityStore, count: int = 1) -> list[EventData]:
    return [event.data for event in await events(store)][-count:]


async def revoked(store: IdentityStore) -> list[tuple[str, str]]:
    async with store.read() as connection:
        rows = await connection.execute(select(REVOCATIONS.c.kind, REVOCATIONS.c.subject))
    return sorted((kind, subject) for kind, subject in rows.all())


async def add_session(store: IdentityStore, account_id: str = "alice") -> None:
    row = {"id": f"session-of-{account_id}", "account_id": account_id, "method": "password", "address": "::1"}
    times = {"created_us": 1, "last_used_us": 1, "expires_us": 2**60}
    async with store.work(NOW) as work:
        await work.connection.execute(insert(SESSIONS).values(**row, user_agent="", **times))


@pytest.fixture
async def family(store: IdentityStore) -> IdentityStore:
    await create(store, "alice", account_id="alice", email="alice@example.org", password_hash="$argon2id$")
    await create(store, None, account_id="alice-bot", parent_id="alice")
    await add_session(store)
    return store


async def test_a_suspension_holds_for_sub_accounts_and_ends_sessions(family: IdentityStore) -> None:
    await suspend(family)
    assert not (await current(family)).active
    assert not (await current(family, "alice-bot")).active
    assert await latest(family, 2) == [AccountSuspended(user_id="alice"), AccountSuspended(user_id="alice-bot")]
    assert (await audited(family))[-2:] == [(ACTOR, "account.suspended", name) for name in ("alice", "alice-bot")]
    assert await revoked(family) == [("account", "alice"), ("account", "alice-bot"), ("session", "session-of-alice")]
    async with family.read() as connection:
        assert list(await connection.scalars(select(SESSIONS.c.ended_why))) == ["suspended"]
        assert list(await connection.scalars(select(AUDIT_LOG.c.detail)))[-1] == {"reason": "spam"}


async def test_a_reinstated_account_may_sign_in_again(family: IdentityStore) -> None:
    await suspend(family)
    await change(family, lambda work: changes.reinstate(work, "alice", actor=ACTOR, reason="appeal"))
    assert (await current(family)).active
    assert (await current(family, "alice-bot")).active
    assert await latest(family, 2) == [AccountReinstated(user_id="alice"), AccountReinstated(user_id="alice-bot")]


async def test_a_closed_account_keeps_its_name_and_loses_all_else(family: IdentityStore) -> None:
    key = {"id": "key-1", "account_id": "alice", "digest": bytes(32), "name": "k", "scopes": [], "addresses": []}
    wallet = {"chain_id": "SN_MAIN", "address": f"0x{1:064x}", "account_id": "alice", "linked_us": 1}
    async with family.work(NOW) as work:
        await work.connection.execute(insert(API_KEYS).values(**key, created_us=1, expires_us=2**60))
        await work.connection.execute(insert(WALLETS).values(**wallet))
    await change(family, lambda work: changes.close(work, "alice", actor="alice", reason="asked"))
    closed = await current(family)
    assert (closed.username, closed.email, closed.status) == ("alice", None, "closed")
    async with family.read() as connection:
        for table in (CREDENTIALS, WALLETS):
            assert (await connection.execute(select(table))).all() == []
        assert (await connection.scalar(select(API_KEYS.c.revoked_us))) == int(NOW)
    assert ("api-key", "key-1") in await revoked(family)
    closings = [AccountClosed(user_id="alice"), AccountClosed(user_id="alice-bot")]
    unlinked = WalletUnlinked(user_id="alice", chain_id="SN_MAIN", address=f"0x{1:064x}")
    assert await latest(family, 3) == [unlinked, *closings]
    with pytest.raises(TakenError):
        await create(family, "ALICE")
    await create(family, "other", email="alice@example.org")


async def test_another_role_voids_tokens_with_the_old_one(family: IdentityStore) -> None:
    with pytest.raises(StatusError, match="only a user has sub-accounts"):
        await change(family, lambda work: changes.set_role(work, "alice", Role.MODERATOR, actor=ACTOR))
    await change(family, lambda work: changes.close(work, "alice-bot", actor=ACTOR, reason="for the role"))
    await change(family, lambda work: changes.set_role(work, "alice", Role.MODERATOR, actor=ACTOR))
    assert (await current(family)).role is Role.MODERATOR
    assert await latest(family) == [RoleChanged(user_id="alice", role="moderator", before="user")]
    assert ("account", "alice") in await revoked(family)
    assert (await audited(family))[-1] == (ACTOR, "account.role-changed", "alice")


PRIVATE_BOT = ProfileChanged(user_id="alice-bot", private=True)
"""The sub-account has the setting of its parent."""


async def test_a_new_name_and_privacy_are_in_the_profile(family: IdentityStore) -> None:
    await change(family, lambda work: changes.set_private(work, "alice", True, actor="alice"))
    assert (await current(family)).is_private
    assert await latest(family, 2) == [ProfileChanged(user_id="alice", private=True, username="alice"), PRIVATE_BOT]
    await change(family, lambda work: changes.rename(work, "alice", "Alice-2", actor="alice"))
    assert await latest(family) == [ProfileChanged(user_id="alice", private=True, username="Alice-2")]
    await create(family, "alice")  # the old name is free again
    with pytest.raises(TakenError):
        await change(family, lambda work: changes.rename(work, "alice", "ALICE", actor="alice"))
    assert await revoked(family) == []


async def test_a_privacy_change_beside_a_rename_reports_the_new_name(family: IdentityStore) -> None:
    async with family.work(NOW) as renaming:
        await changes.rename(renaming, "alice", "Alice-2", actor="alice")
        setting = change(family, lambda work: changes.set_private(work, "alice", True, actor="alice"))
        beside = asyncio.create_task(setting)
        await asyncio.wait({beside}, timeout=0.2)
    await beside
    assert await latest(family, 2) == [ProfileChanged(user_id="alice", private=True, username="Alice-2"), PRIVATE_BOT]


async def test_a_verified_address_is_noted_once(family: IdentityStore) -> None:
    for _ in range(2):
        await change(family, lambda work: changes.verify_email(work, "alice", actor="alice"))
    assert [event.data for event in await events(family)].count(EmailVerified(user_id="alice")) == 1


async def test_a_tier_is_set_for_the_family_and_renewed_and_only_staff_lower_it(family: IdentityStore) -> None:
    for tier in (Verification.IDENTITY, Verification.IDENTITY, Verification.PHONE):
        async with family.work(NOW) as work:
            await changes.set_verification(work, "alice", tier, actor=ACTOR, reason="r")
    for name in ("alice", "alice-bot"):
        assert await events_of(family, name, VerificationChanged) == [
            VerificationChanged(user_id=name, tier="identity", before="unverified"),
            VerificationChanged(user_id=name, tier="identity", before="identity"),
            VerificationChanged(user_id=name, tier="phone", before="identity"),
        ]
        account = await current(family, name)
        assert (account.verification, account.verified) == (Verification.PHONE, NOW)
        assert (await audited(family)).count((ACTOR, "account.verification-changed", name)) == 3
    await change(family, lambda work: changes.verify_email(work, "alice", actor="alice"))
    assert (await current(family)).verification is Verification.PHONE


async def test_a_verified_address_raises_the_tier_and_notes_the_time(family: IdentityStore) -> None:
    assert (await current(family)).verified is None
    await change(family, lambda work: changes.verify_email(work, "alice", actor="alice"))
    account = await current(family)
    assert (account.verification, account.verified) == (Verification.EMAIL, NOW)


async def events_of(store: IdentityStore, user_id: str, model: type[EventData]) -> list[EventData]:
    found = await events(store)
    return [event.data for event in found if event.partitionkey == user_id and isinstance(event.data, model)]


async def test_a_change_that_changes_nothing_leaves_no_trace(family: IdentityStore) -> None:
    before = (len(await events(family)), len(await audited(family)))
    await change(family, lambda work: changes.set_role(work, "alice", Role.USER, actor=ACTOR))
    await change(family, lambda work: changes.set_private(work, "alice", False, actor=ACTOR))
    await change(family, lambda work: changes.rename(work, "alice", "alice", actor=ACTOR))
    assert (len(await events(family)), len(await audited(family))) == before
    assert await revoked(family) == []


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (lambda work: changes.suspend(work, "nobody", actor=ACTOR, reason="r"), UnknownAccountError),
        (lambda work: changes.reinstate(work, "alice", actor=ACTOR, reason="r"), StatusError),
        (lambda work: changes.set_role(work, "alice-bot", Role.ADMIN, actor=ACTOR), StatusError),
        (lambda work: changes.verify_email(work, "alice-bot", actor=ACTOR), StatusError),
        (lambda work: changes.set_verification(work, "alice-bot", PREMIUM, actor=ACTOR, reason="r"), StatusError),
        (lambda work: changes.set_verification(work, "nobody", PREMIUM, actor=ACTOR, reason="r"), UnknownAccountError),
    ],
)
async def test_a_change_that_is_not_possible_is_refused(
    family: IdentityStore, step: Any, error: type[AccountError]
) -> None:
    with pytest.raises(error):
        await change(family, step)


async def test_a_closed_account_is_not_changed_again(family: IdentityStore) -> None:
    await change(family, lambda work: changes.close(work, "alice", actor=ACTOR, reason="r"))
    steps: list[Callable[[UnitOfWork], Awaitable[None]]] = [
        lambda work: changes.suspend(work, "alice", actor=ACTOR, reason="r"),
        lambda work: changes.reinstate(work, "alice", actor=ACTOR, reason="r"),
        lambda work: changes.close(work, "alice", actor=ACTOR, reason="r"),
        lambda work: changes.set_role(work, "alice", Role.ADMIN, actor=ACTOR),
        lambda work: changes.set_verification(work, "alice", PREMIUM, actor=ACTOR, reason="r"),
    ]
    for step in steps:
        with pytest.raises(StatusError, match="the account is closed"):
            await change(family, step)


async def test_two_suspensions_at_once_give_one(family: IdentityStore) -> None:
    done = await asyncio.gather(*(suspend(family) for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in done].count(StatusError) == 4
    assert (await audited(family)).count((ACTOR, "account.suspended", "alice")) == 1
