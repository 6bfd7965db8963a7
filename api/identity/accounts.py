"""Accounts: create and find them. `api.identity.account_changes` changes them.

A new account emits its event and writes an audit entry in the same transaction.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Column, Row, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth import Role
from api.identity import audit, names
from api.identity.errors import IdentityError
from api.identity.store.tables import ACCOUNTS, CREDENTIALS
from api.kit.request_identity import current_traceparent
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.events import Event, EventData
from streams.events.base import ID_PATTERN
from streams.events.user import AccountRegistered
from streams.ids import new_id
from streams.times import Instant


class Status(StrEnum):
    """Whether an account may be used."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Verification(StrEnum):
    """How far the person behind an account is verified. A level implies all lower levels."""

    UNVERIFIED = "unverified"
    EMAIL = "email"
    PHONE = "phone"
    IDENTITY = "identity"
    PREMIUM = "premium"


@dataclass(frozen=True, slots=True)
class Account:
    """An account. A sub-account names its owner in `parent_id`, and has the label that the owner gave it.

    `verified` is the time at which the verification was confirmed last; None for an unverified account.
    """

    id: str
    parent_id: str | None
    username: str | None
    email: str | None
    role: Role
    status: Status
    verification: Verification
    is_private: bool
    created: Instant
    label: str | None = None
    verified: Instant | None = None

    @property
    def active(self) -> bool:
        """Return whether the account may act."""
        return self.status is Status.ACTIVE


class AccountError(IdentityError):
    """The account cannot be created or changed. The message may be shown to the caller."""


class TakenError(AccountError):
    """Another account has the username, the e-mail address or the id.

    Attributes:
        field: Which one: `username`, `email` or `id`.
    """

    def __init__(self, field: str) -> None:
        super().__init__(f"this {_WORDS[field]} is taken")
        self.field = field


class UnknownAccountError(AccountError):
    """There is no such account."""


class StatusError(AccountError):
    """The account's status does not allow the change."""


_WORDS: Final = {"username": "username", "email": "e-mail address", "id": "id"}
_CONSTRAINTS: Final = {"username_key": "username", "email_key": "email", "pk_accounts": "id", "accounts.id": "id"}
_ID: Final = re.compile(ID_PATTERN)


async def create_account(
    work: UnitOfWork,
    *,
    username: str | None,
    email: str | None = None,
    password_hash: str | None = None,
    role: Role = Role.USER,
    account_id: str | None = None,
    parent_id: str | None = None,
    label: str | None = None,
    actor: str | None = None,
) -> Account:
    """Create an account.

    Args:
        work: The transaction.
        username: The public name, as the user writes it. Only a sub-account or a wallet's account has none.
        email: The address, as the user writes it.
        password_hash: The hash of the password; None for an account that signs in by wallet or key.
        role: What the account may do.
        account_id: The id; None for a new one. Operators choose the ids of venues, which name their fills.
        parent_id: The owner of a sub-account.
        label: What the owner calls it; no other user sees it.
        actor: The account that creates it; None for the new account itself.

    Raises:
        InvalidNameError: the username or the address is not accepted.
        TakenError: another account has the username, the address or the id. The transaction must end.
    """
    account_id = new_id(work.now) if account_id is None else _checked_id(account_id)
    name = None if username is None else names.username(username)
    address = None if email is None else names.email(email)
    row = {
        "id": account_id,
        "parent_id": parent_id,
        "label": label,
        "username": name,
        "username_key": None if name is None else names.key(name),
        "email": address,
        "email_key": None if address is None else names.key(address),
        "role": role.value,
        "status": Status.ACTIVE.value,
        "verification": Verification.UNVERIFIED.value,
        "is_private": False,
        "created_us": int(work.now),
        "changed_us": int(work.now),
    }
    try:
        await work.connection.execute(insert(ACCOUNTS).values(row))
    except IntegrityError as exc:
        raise taken(exc) from exc
    if password_hash is not None:
        credentials = {"account_id": account_id, "password_hash": password_hash, "changed_us": int(work.now)}
        await work.connection.execute(insert(CREDENTIALS).values(credentials))
    emit(work, account_id, AccountRegistered(user_id=account_id, role=role.value, username=name, parent_id=parent_id))
    detail = {"role": role.value, "username": name, "parent_id": parent_id}
    await audit.record(work, actor=actor or account_id, action="account.created", subject=account_id, detail=detail)
    return await get(work.connection, account_id)


async def find(connection: AsyncConnection, account_id: str, *, lock: bool = False) -> Account | None:
    """Return an account by its id, or None. `lock` locks its row until the transaction ends."""
    return await _one(connection, ACCOUNTS.c.id, account_id, lock=lock)


async def get(connection: AsyncConnection, account_id: str, *, lock: bool = False) -> Account:
    """Return an account by its id. `lock` locks its row until the transaction ends.

    Raises:
        UnknownAccountError: there is none.
    """
    account = await find(connection, account_id, lock=lock)
    if account is None:
        given = account_id[:80]
        hint = f"give the user_id, as `astratrade accounts show {given}` prints it"
        raise UnknownAccountError(f"no account has the id {given!r}; {hint}")
    return account


async def find_by_login(connection: AsyncConnection, login: str, *, lock: bool = False) -> Account | None:
    """Return the account with this username or e-mail address, in whatever case it is written, or None.

    `lock` locks its row until the transaction ends, so that no suspension can commit meanwhile.
    """
    column = ACCOUNTS.c.email_key if "@" in login else ACCOUNTS.c.username_key
    return await _one(connection, column, names.key(login), lock=lock)


async def page(connection: AsyncConnection, *, after: str = "", limit: int, role: Role | None = None) -> list[Account]:
    """Return accounts in the order of their ids, at most `limit`, beginning after an id."""
    query = select(ACCOUNTS).where(ACCOUNTS.c.id > after).order_by(ACCOUNTS.c.id).limit(limit)
    if role is not None:
        query = query.where(ACCOUNTS.c.role == role.value)
    return [_account(row) for row in (await connection.execute(query)).all()]


async def sub_accounts(
    connection: AsyncConnection, account_id: str, *, lock: bool = False, with_closed: bool = False
) -> Sequence[Account]:
    """Return the sub-accounts of an account that are not closed, the oldest first; `with_closed` returns all.

    `lock` locks their rows until the transaction ends.
    """
    query = select(ACCOUNTS).where(ACCOUNTS.c.parent_id == account_id).order_by(ACCOUNTS.c.id)
    if not with_closed:
        query = query.where(ACCOUNTS.c.status != Status.CLOSED.value)
    return [_account(row) for row in (await connection.execute(query.with_for_update() if lock else query)).all()]


def emit(work: UnitOfWork, account_id: str, data: EventData) -> None:
    """Emit an event of the user domain. It follows from the request that the running task serves."""
    event = Event.first(
        data,
        event_id=new_id(work.now),
        time=work.now,
        key=account_id,
        rules_version=None,
        traceparent=current_traceparent(),
    )
    work.emit(event)


def _checked_id(account_id: str) -> str:
    """Return an id that an operator chose. Those that audit entries use for actors without account are refused."""
    if not _ID.fullmatch(account_id):
        raise names.InvalidNameError("an id has 1 to 64 letters, digits, '.', '_', ':' and '-'")
    if account_id == audit.SYSTEM or account_id.startswith(audit.OPERATOR):
        raise names.InvalidNameError(f"an id is not {audit.SYSTEM!r} and does not begin with {audit.OPERATOR!r}")
    return account_id


def taken(exc: IntegrityError) -> Exception:
    """Return the error for a broken constraint. PostgreSQL names the constraint, SQLite the column."""
    said = str(exc.orig)
    return next((TakenError(field) for part, field in _CONSTRAINTS.items() if part in said), exc)


async def _one(connection: AsyncConnection, column: Column[Any], value: str, *, lock: bool) -> Account | None:
    if "\0" in value:
        return None  # PostgreSQL has no such text
    query = select(ACCOUNTS).where(column == value)
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    return None if row is None else _account(row)


def _account(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        parent_id=row.parent_id,
        username=row.username,
        email=row.email,
        role=Role(row.role),
        status=Status(row.status),
        verification=Verification(row.verification),
        is_private=row.is_private,
        created=Instant(row.created_us),
        label=row.label,
        verified=None if row.verified_us is None else Instant(row.verified_us),
    )
