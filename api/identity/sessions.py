"""Sessions: families of refresh tokens, each used once, from which short-lived access tokens are issued."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth import Role, mint
from api.identity import audit
from api.identity.accounts import emit
from api.identity.key_ring import KeyRing
from api.identity.limits import ACCESS_TTL_S
from api.identity.revocation import revoke
from api.identity.store.tables import ACCOUNTS, REFRESH_TOKENS, SESSIONS
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.events.user import LoggedIn, LoggedOut
from streams.ids import new_id
from streams.times import DAY_US, Instant

REFRESH_BYTES: Final = 32
REFRESH_TTL_US: Final = 30 * DAY_US
"""A session that is not refreshed for so long has ended."""
SESSION_TTL_US: Final = 90 * DAY_US
"""So long after signing in, the user has to sign in again."""
KEPT_AFTER_END_US: Final = 30 * DAY_US
USER_AGENT_CHARS_MAX: Final = 256
ADDRESS_CHARS_MAX: Final = 64
ACTIVE: Final = "active"
CLOSED: Final = "closed"


class SigningIn(Protocol):
    """The account that signs in."""

    @property
    def id(self) -> str:
        """Return the user id."""

    @property
    def role(self) -> Role:
        """Return the role, which access tokens carry."""

    @property
    def active(self) -> bool:
        """Return whether the account may act. One that is suspended gets tokens that only read."""


@dataclass(frozen=True, slots=True)
class Client:
    """The client of a request, as sessions remember it."""

    address: str
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a client gets when it signs in or refreshes. Only the client has the refresh token; the store has a hash."""

    user_id: str
    session_id: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int = ACCESS_TTL_S


@dataclass(frozen=True, slots=True)
class OpenSession:
    """An open session, as its user sees it."""

    id: str
    method: str
    address: str
    user_agent: str
    created: Instant
    last_used: Instant
    expires: Instant


class Sessions:
    """Opens, refreshes and ends sessions."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def open_session(self, work: UnitOfWork, account: SigningIn, method: str, client: Client) -> SignedIn:
        """Open a session of an account whose owner has just proved who they are.

        Args:
            work: The transaction.
            account: The account; it must not be closed.
            method: How the owner proved it: password, wallet.
            client: Where.
        """
        session_id = new_id(work.now)
        row = {
            "id": session_id,
            "account_id": account.id,
            "method": method,
            "address": client.address[:ADDRESS_CHARS_MAX],
            "user_agent": client.user_agent[:USER_AGENT_CHARS_MAX].replace("\0", ""),  # PostgreSQL takes none
            "created_us": int(work.now),
            "last_used_us": int(work.now),
            "expires_us": work.now + SESSION_TTL_US,
        }
        await work.connection.execute(insert(SESSIONS).values(row))
        detail = {"session": session_id, "method": method, "address": client.address}
        await audit.record(work, actor=account.id, action="session.opened", subject=account.id, detail=detail)
        emit(work, account.id, LoggedIn(user_id=account.id))
        return await self._issue(work, account.id, account.role, session_id, suspended=not account.active)

    async def refresh(self, work: UnitOfWork, refresh_token: str, client: Client) -> SignedIn | None:
        """Use a refresh token: return new tokens, or None when it is not valid.

        A token that was used before is in two hands, and one of them is a thief's. So its session ends, and its access
        tokens are void. Commit the transaction also when the result is None.
        """
        digest = digest_of(refresh_token)
        found = await _find(work.connection, digest)
        if found is None or found["ended_us"] is not None:
            return None
        if not await _use(work, digest):
            await self._end_stolen(work, found, client)
            return None
        if work.now >= min(found["expires_us"], found["session_expires_us"]) or found["status"] == CLOSED:
            return None
        used = update(SESSIONS).where(SESSIONS.c.id == found["session_id"]).values(last_used_us=int(work.now))
        await work.connection.execute(used)
        suspended = found["status"] != ACTIVE
        role, session_id = Role(found["role"]), found["session_id"]
        return await self._issue(work, found["account_id"], role, session_id, suspended=suspended)

    async def _issue(
        self, work: UnitOfWork, account_id: str, role: Role, session_id: str, *, suspended: bool
    ) -> SignedIn:
        refresh_token = secrets.token_urlsafe(REFRESH_BYTES)
        row = {
            "digest": digest_of(refresh_token),
            "session_id": session_id,
            "issued_us": int(work.now),
            "expires_us": work.now + REFRESH_TTL_US,
        }
        await work.connection.execute(insert(REFRESH_TOKENS).values(row))
        key = self._keys.signing(work.now)
        access = mint(key, account_id, role, now=work.now, session_id=session_id, suspended=suspended)
        return SignedIn(account_id, session_id, access, refresh_token)

    async def _end_stolen(self, work: UnitOfWork, found: RowMapping, client: Client) -> None:
        account_id, session_id = found["account_id"], found["session_id"]
        if await end_session(work, account_id, session_id, "reuse"):
            detail = {"session": session_id, "address": client.address}
            await audit.record(
                work, actor=account_id, action="session.refresh-token-reused", subject=account_id, detail=detail
            )


async def end_session(work: UnitOfWork, account_id: str, session_id: str, why: str) -> bool:
    """End a session of an account, and void its access tokens. Return False when it is no open session of it."""
    ended = await work.connection.execute(
        update(SESSIONS)
        .where(SESSIONS.c.id == session_id, SESSIONS.c.account_id == account_id, SESSIONS.c.ended_us.is_(None))
        .values(ended_us=int(work.now), ended_why=why)
    )
    if not ended.rowcount:
        return False
    await revoke(work, "session", session_id)
    return True


async def log_out(work: UnitOfWork, account_id: str, session_id: str, why: str) -> bool:
    """End a session that its user no longer wants. Return False when it is no open session of the account."""
    ended = await end_session(work, account_id, session_id, why)
    if ended:
        emit(work, account_id, LoggedOut(user_id=account_id))
    return ended


async def log_out_everywhere(work: UnitOfWork, account_id: str) -> None:
    """End all sessions of an account for its user, and void all access tokens issued so far."""
    await revoke(work, "account", account_id, "logout-all")
    emit(work, account_id, LoggedOut(user_id=account_id))


async def end_other_sessions(work: UnitOfWork, account_id: str, kept: str | None, why: str) -> int:
    """End all open sessions of an account but one. Return how many."""
    others = [each.id for each in await open_sessions(work.connection, account_id, work.now) if each.id != kept]
    return sum([await end_session(work, account_id, session_id, why) for session_id in others])


async def open_sessions(connection: AsyncConnection, account_id: str, now: Instant) -> Sequence[OpenSession]:
    """Return the open sessions of an account, the latest first."""
    table = SESSIONS.c
    mine = select(SESSIONS).where(
        table.account_id == account_id,
        table.ended_us.is_(None),
        table.expires_us > int(now),
        table.last_used_us > now - REFRESH_TTL_US,
    )
    rows = await connection.execute(mine.order_by(table.last_used_us.desc(), table.id))
    return [
        OpenSession(
            row.id,
            row.method,
            row.address,
            row.user_agent,
            Instant(row.created_us),
            Instant(row.last_used_us),
            Instant(row.expires_us),
        )
        for row in rows
    ]


async def purge_sessions(work: UnitOfWork) -> None:
    """Delete refresh tokens that have expired, and sessions that ended long ago."""
    tokens, sessions = REFRESH_TOKENS.c, SESSIONS.c
    old = work.now - KEPT_AFTER_END_US
    gone = select(sessions.id).where((sessions.ended_us < old) | (sessions.expires_us < old))
    await work.connection.execute(
        delete(REFRESH_TOKENS).where((tokens.expires_us < int(work.now)) | tokens.session_id.in_(gone))
    )
    await work.connection.execute(delete(SESSIONS).where(sessions.id.in_(gone)))


def digest_of(token: str) -> bytes:
    """Return what the store keeps of a refresh token. It is 256 random bits, so that a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


async def _find(connection: AsyncConnection, digest: bytes) -> RowMapping | None:
    """Return a refresh token with its session and account."""
    joined = REFRESH_TOKENS.join(SESSIONS).join(ACCOUNTS, SESSIONS.c.account_id == ACCOUNTS.c.id)
    found: Any = (
        select(
            REFRESH_TOKENS.c.session_id,
            REFRESH_TOKENS.c.expires_us,
            SESSIONS.c.account_id,
            SESSIONS.c.ended_us,
            SESSIONS.c.expires_us.label("session_expires_us"),
            ACCOUNTS.c.role,
            ACCOUNTS.c.status,
        )
        .select_from(joined)
        .where(REFRESH_TOKENS.c.digest == digest)
    )
    return (await connection.execute(found)).mappings().first()


async def _use(work: UnitOfWork, digest: bytes) -> bool:
    """Mark a refresh token as used. Return False when it was used before, also by a request at the same time."""
    used = (
        update(REFRESH_TOKENS)
        .where(REFRESH_TOKENS.c.digest == digest, REFRESH_TOKENS.c.used_us.is_(None))
        .values(used_us=int(work.now))
    )
    return bool((await work.connection.execute(used)).rowcount)
