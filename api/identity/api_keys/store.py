"""The API keys in the store: create, list, revoke, note their use, and read one.

Each change writes an audit entry in the same transaction. The text of a key exists only in the answer to its creation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BigInteger, BindParameter, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from api.identity import accounts, audit
from api.identity.accounts import Account, AccountError, StatusError
from api.identity.api_keys.text import digest_of, new_text
from api.identity.revocation import revoke
from api.identity.store.tables import ACCOUNTS, API_KEYS
from api.permissions import SUB_ACCOUNT_SCOPES, Scope, scopes_of
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.ids import new_id
from streams.times import DAY_US, Instant

KEYS_MAX: Final = 20
"""Keys of one account that are neither revoked nor expired."""
DAYS_DEFAULT: Final = 90
DAYS_MAX: Final = 365
NAME_CHARS_MAX: Final = 64
NETWORKS_MAX: Final = 20
KEPT_AFTER_END_US: Final = 30 * DAY_US


class TooManyKeysError(AccountError):
    """The account has as many keys as it may have."""


class TooManyNetworksError(AccountError):
    """The key names too many networks."""


class ScopeError(AccountError):
    """The account may not do what the key shall allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """The properties of a key that is to be created.

    Attributes:
        name: What the owner calls it.
        scopes: The scopes that the key grants.
        days: How long it is valid.
        addresses: The CIDR networks that it may be used from; empty for all.
    """

    name: str
    scopes: frozenset[Scope]
    days: int = DAYS_DEFAULT
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    addresses: tuple[str, ...]
    created: Instant
    expires: Instant
    last_used: Instant | None


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key and its text, which is shown once."""

    key: ApiKey
    text: str = field(repr=False)


async def create_key(work: UnitOfWork, account_id: str, new: NewKey, *, actor: str) -> CreatedKey:
    """Create a key of an account.

    Raises:
        UnknownAccountError: there is no such account.
        StatusError: the account is suspended or closed.
        ScopeError: the account may not do what the key shall allow.
        TooManyKeysError: the account has as many keys as it may have.
        TooManyNetworksError: the key names too many networks.
    """
    if len(new.addresses) > NETWORKS_MAX:
        raise TooManyNetworksError(f"a key may name {NETWORKS_MAX} networks, and not {len(new.addresses)}")
    account = await accounts.get(work.connection, account_id, lock=True)
    if not account.active:
        raise StatusError(f"the account is {account.status}")
    if refused := new.scopes - allowed_scopes(account):
        raise ScopeError(f"this account cannot have a key for {', '.join(sorted(refused))}")
    if await _live(work.connection, account_id, work.now) >= KEYS_MAX:
        raise TooManyKeysError(f"an account may have {KEYS_MAX} keys; revoke one that is not used")
    key_id = new_id(work.now)
    text = new_text(key_id)
    row = {
        "id": key_id,
        "account_id": account_id,
        "digest": digest_of(text),
        "name": new.name,
        "scopes": sorted(new.scopes),
        "addresses": list(new.addresses),
        "created_us": int(work.now),
        "expires_us": work.now + new.days * DAY_US,
    }
    await work.connection.execute(insert(API_KEYS).values(row))
    detail = {"key": key_id, "name": new.name, "scopes": ",".join(sorted(new.scopes)), "days": new.days}
    await audit.record(work, actor=actor, action="api-key.created", subject=account_id, detail=detail)
    return CreatedKey(await _get(work.connection, key_id), text)


def allowed_scopes(account: Account) -> frozenset[Scope]:
    """Return the scopes that keys of an account may have: what its role may do, and less for a sub-account."""
    allowed = scopes_of(account.role)
    return allowed if account.parent_id is None else allowed & SUB_ACCOUNT_SCOPES


async def keys_of(connection: AsyncConnection, account_id: str) -> list[ApiKey]:
    """Return the keys of an account that were not revoked, the oldest first; expired ones for a while."""
    mine = select(API_KEYS).where(API_KEYS.c.account_id == account_id, API_KEYS.c.revoked_us.is_(None))
    return [_key(row) for row in (await connection.execute(mine.order_by(API_KEYS.c.id))).all()]


async def revoke_key(work: UnitOfWork, account_id: str, key_id: str, *, actor: str) -> bool:
    """Revoke a key of an account. Return False when the account has no such key, or it was revoked before."""
    mine = (API_KEYS.c.id == key_id) & (API_KEYS.c.account_id == account_id) & API_KEYS.c.revoked_us.is_(None)
    if not (await work.connection.execute(update(API_KEYS).where(mine).values(revoked_us=int(work.now)))).rowcount:
        return False
    await revoke(work, "api-key", key_id)
    await audit.record(work, actor=actor, action="api-key.revoked", subject=account_id, detail={"key": key_id})
    return True


async def revoke_all_keys(work: UnitOfWork, account_id: str, why: str) -> int:
    """Revoke all keys of an account. Return how many there were."""
    open_keys = update(API_KEYS).where(API_KEYS.c.account_id == account_id, API_KEYS.c.revoked_us.is_(None))
    revoked = await work.connection.execute(open_keys.values(revoked_us=int(work.now)).returning(API_KEYS.c.id))
    ids = list(revoked.scalars())
    for key_id in ids:
        await revoke(work, "api-key", key_id, why)
    return len(ids)


async def note_uses(work: UnitOfWork, uses: Mapping[str, Instant]) -> None:
    """Note when keys were used last. Processes note independently of each other, and the latest time stays."""
    used: BindParameter[int] = bindparam("used_us", type_=BigInteger)
    table = API_KEYS.c
    later = table.last_used_us.is_(None) | (table.last_used_us < used)
    statement = update(API_KEYS).where(table.id == bindparam("key_id"), later).values(last_used_us=used)
    await work.connection.execute(statement, [{"key_id": key_id, "used_us": int(at)} for key_id, at in uses.items()])


async def purge_keys(work: UnitOfWork) -> None:
    """Delete keys that were revoked or expired long ago."""
    old = work.now - KEPT_AFTER_END_US
    ended = (API_KEYS.c.expires_us < old) | (API_KEYS.c.revoked_us < old)
    await work.connection.execute(delete(API_KEYS).where(ended))


async def find_with_account(connection: AsyncConnection, key_id: str) -> Row[Any] | None:
    """Return a key with the role and status of its account, and the status of the account's parent."""
    parent = ACCOUNTS.alias("parent")
    found = (
        select(
            API_KEYS,
            ACCOUNTS.c.role,
            ACCOUNTS.c.status,
            parent.c.status.label("parent_status"),
        )
        .join(ACCOUNTS, API_KEYS.c.account_id == ACCOUNTS.c.id)
        .outerjoin(parent, ACCOUNTS.c.parent_id == parent.c.id)
        .where(API_KEYS.c.id == key_id)
    )
    return (await connection.execute(found)).one_or_none()


async def _live(connection: AsyncConnection, account_id: str, now: Instant) -> int:
    table = API_KEYS.c
    live = (table.account_id == account_id) & table.revoked_us.is_(None) & (table.expires_us > int(now))
    return (await connection.execute(select(func.count()).select_from(API_KEYS).where(live))).scalar_one()


async def _get(connection: AsyncConnection, key_id: str) -> ApiKey:
    return _key((await connection.execute(select(API_KEYS).where(API_KEYS.c.id == key_id))).one())


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        scopes=_texts(row.scopes),
        addresses=_texts(row.addresses),
        created=Instant(row.created_us),
        expires=Instant(row.expires_us),
        last_used=None if row.last_used_us is None else Instant(row.last_used_us),
    )


def _texts(stored: Sequence[str]) -> tuple[str, ...]:
    return tuple(stored)
