"""Changes of accounts: suspend, reinstate, close, role, username, privacy, verification.

Each change emits its event and an audit entry in the same transaction. What takes rights away also revokes the tokens
that carry them. Suspending, reinstating or closing an account does the same to its sub-accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from api.auth import Role
from api.identity import accounts, audit, names
from api.identity.accounts import Account, Status, StatusError, Verification, emit
from api.identity.api_keys.store import revoke_all_keys
from api.identity.revocation import revoke
from api.identity.store.tables import ACCOUNTS, CREDENTIALS, WALLETS
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

_LEVELS: Final = list(Verification)


async def suspend(work: UnitOfWork, account_id: str, *, actor: str, reason: str) -> None:
    """Suspend an account and its sub-accounts: their sessions end, their tokens and keys are refused.

    Raises:
        UnknownAccountError: there is no such account.
        StatusError: it is suspended already, or closed.
    """
    family = await _family(work, account_id, Status.ACTIVE)
    await _set_status(work, family, Status.SUSPENDED)
    for each in family:
        await revoke(work, "account", each.id, "suspended")
        data = AccountSuspended(user_id=each.id)
        await _report(work, each.id, data, actor=actor, action="account.suspended", reason=reason)


async def reinstate(work: UnitOfWork, account_id: str, *, actor: str, reason: str) -> None:
    """End the suspension of an account and of its sub-accounts. Their users sign in again.

    Raises:
        UnknownAccountError: there is no such account.
        StatusError: it is not suspended, or it is a sub-account whose user is.
    """
    family = await _family(work, account_id, Status.SUSPENDED)
    parent_id = family[0].parent_id
    if parent_id is not None and not (await accounts.get(work.connection, parent_id)).active:
        raise StatusError("the user of this sub-account is not active")
    await _set_status(work, family, Status.ACTIVE)
    for each in family:
        data = AccountReinstated(user_id=each.id)
        await _report(work, each.id, data, actor=actor, action="account.reinstated", reason=reason)


async def close(work: UnitOfWork, account_id: str, *, actor: str, reason: str) -> None:
    """Close an account and its sub-accounts for good. Remove e-mail address, password, wallets and keys.

    The username stays taken, so that no later user can pose as the one who left.

    Raises:
        UnknownAccountError: there is no such account.
        StatusError: it is closed already.
    """
    family = await _family(work, account_id, Status.ACTIVE, Status.SUSPENDED)
    await _set_status(work, family, Status.CLOSED, email=None, email_key=None)
    for each in family:
        await revoke(work, "account", each.id, "closed")
        await _remove_credentials(work, each.id)
        data = AccountClosed(user_id=each.id)
        await _report(work, each.id, data, actor=actor, action="account.closed", reason=reason)


async def set_role(work: UnitOfWork, account_id: str, role: Role, *, actor: str) -> None:
    """Give an account another role. Tokens with the old role are refused, and its API keys are revoked.

    Raises:
        UnknownAccountError: there is no such account.
        StatusError: it is closed, or a sub-account, which has no role of its own, or it has sub-accounts.
    """
    account = await _current(work, account_id)
    if account.status is Status.CLOSED:
        raise StatusError("the account is closed")
    if account.parent_id is not None:
        raise StatusError("a sub-account keeps the role of a user")
    if account.role is role:
        return
    if await accounts.sub_accounts(work.connection, account_id):
        raise StatusError("only a user has sub-accounts; they have to be closed first")
    await _update(work, [account_id], role=role.value)
    await revoke(work, "account", account_id, "role-change")
    await revoke_all_keys(work, account_id, "role-change")
    data = RoleChanged(user_id=account_id, role=role.value, before=account.role.value)
    detail = {"role": role.value, "before": account.role.value}
    await _report(work, account_id, data, actor=actor, action="account.role-changed", **detail)


async def set_private(work: UnitOfWork, account_id: str, private: bool, *, actor: str) -> None:
    """Take the names of a user and of the user's sub-accounts off the public boards, or show them there again.

    A closed sub-account keeps the setting that it had.

    Raises:
        UnknownAccountError: there is no such account.
    """
    family = [await _current(work, account_id), *await accounts.sub_accounts(work.connection, account_id, lock=True)]
    changed = [each for each in family if each.is_private is not private]
    if not changed:
        return
    await _update(work, [each.id for each in changed], is_private=private)
    for each in changed:
        data = ProfileChanged(user_id=each.id, private=private, username=each.username)
        await _report(work, each.id, data, actor=actor, action="account.privacy-changed", private=private)


async def rename(work: UnitOfWork, account_id: str, username: str, *, actor: str) -> None:
    """Give an account another username.

    Raises:
        UnknownAccountError: there is no such account.
        InvalidNameError: the username is not accepted.
        TakenError: another account has it. The transaction must end.
    """
    account, name = await _current(work, account_id), names.username(username)
    if account.username == name:
        return
    try:
        await _update(work, [account_id], username=name, username_key=names.key(name))
    except IntegrityError as exc:
        raise accounts.taken(exc) from exc
    data = ProfileChanged(user_id=account_id, private=account.is_private, username=name)
    detail = {"username": name, "before": account.username}
    await _report(work, account_id, data, actor=actor, action="account.renamed", **detail)


async def verify_email(work: UnitOfWork, account_id: str, *, actor: str) -> None:
    """Note that the user has shown that the e-mail address is theirs. A higher level of verification stays.

    Raises:
        UnknownAccountError: there is no such account.
        StatusError: it has no address.
    """
    account = await _current(work, account_id)
    if account.email is None:
        raise StatusError("the account has no e-mail address")
    if _LEVELS.index(account.verification) >= _LEVELS.index(Verification.EMAIL):
        return
    await _update(work, [account_id], verification=Verification.EMAIL.value, verified_us=int(work.now))
    data = EmailVerified(user_id=account_id)
    await _report(work, account_id, data, actor=actor, action="account.email-verified")


async def set_verification(work: UnitOfWork, account_id: str, tier: Verification, *, actor: str, reason: str) -> None:
    """Confirm the verification tier of the person behind an account and its sub-accounts, at the present time.

    Setting the tier that the account has renews its time. A tier never falls by itself: only this change lowers one.

    Raises:
        UnknownAccountError: there is no such account.
        StatusError: it is closed, or a sub-account, which has the tier of its owner.
    """
    family = await _family(work, account_id, Status.ACTIVE, Status.SUSPENDED)
    if family[0].parent_id is not None:
        raise StatusError("a sub-account has the verification of its owner")
    verified_us = None if tier is Verification.UNVERIFIED else int(work.now)
    await _update(work, [each.id for each in family], verification=tier.value, verified_us=verified_us)
    for each in family:
        data = VerificationChanged(user_id=each.id, tier=tier.value, before=each.verification.value)
        detail = {"tier": tier.value, "before": each.verification.value, "reason": reason}
        await _report(work, each.id, data, actor=actor, action="account.verification-changed", **detail)


async def inherit_verification(work: UnitOfWork, made: Account, parent: Account) -> None:
    """Give a new sub-account the verification of its owner, with its time."""
    if parent.verified is None:
        return
    tier, before = parent.verification, made.verification
    await _update(work, [made.id], verification=tier.value, verified_us=int(parent.verified))
    emit(work, made.id, VerificationChanged(user_id=made.id, tier=tier.value, before=before.value))


async def _current(work: UnitOfWork, account_id: str) -> Account:
    """Return an account as it is until this transaction ends: other changes of it wait."""
    return await accounts.get(work.connection, account_id, lock=True)


async def _family(work: UnitOfWork, account_id: str, *expected: Status) -> list[Account]:
    """Return an account and those of its sub-accounts that have one of these statuses."""
    account = await _current(work, account_id)
    if account.status not in expected:
        raise StatusError(f"the account is {account.status}")
    children = await accounts.sub_accounts(work.connection, account_id, lock=True)
    return [account, *(child for child in children if child.status in expected)]


async def _set_status(work: UnitOfWork, family: Sequence[Account], status: Status, **more: None) -> None:
    await _update(work, [each.id for each in family], status=status.value, **more)


async def _update(work: UnitOfWork, ids: Sequence[str], **values: Any) -> None:
    changed = update(ACCOUNTS).where(ACCOUNTS.c.id.in_(ids)).values(changed_us=int(work.now), **values)
    await work.connection.execute(changed)


async def _remove_credentials(work: UnitOfWork, account_id: str) -> None:
    """Remove the password and the wallets of an account, and revoke its keys."""
    connection, mine = work.connection, WALLETS.c.account_id == account_id
    await connection.execute(delete(CREDENTIALS).where(CREDENTIALS.c.account_id == account_id))
    removed = await connection.execute(delete(WALLETS).where(mine).returning(WALLETS.c.chain_id, WALLETS.c.address))
    for chain_id, address in removed.all():
        emit(work, account_id, WalletUnlinked(user_id=account_id, chain_id=chain_id, address=address))
    await revoke_all_keys(work, account_id, "closed")


async def _report(
    work: UnitOfWork, account_id: str, data: EventData, *, actor: str, action: str, **detail: str | bool | None
) -> None:
    emit(work, account_id, data)
    await audit.record(work, actor=actor, action=action, subject=account_id, detail=detail)
