"""Revoke access tokens before they expire: written to the store, and known to every API process within a second."""

from __future__ import annotations

from typing import Final, Literal

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth import CLOCK_SKEW_S, Principal
from api.identity.limits import ACCESS_TTL_S, ACCESS_TTL_S_MAX, LATE_COMMIT_US
from api.identity.store.tables import REVOCATIONS, SESSIONS
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.ids import new_id
from streams.times import SECOND_US, Instant

Kind = Literal["session", "account", "api-key"]

MARGIN_S: Final = 60
"""How much longer than its tokens a revocation is kept. Covers clocks that differ."""
_TTL_S: Final[dict[Kind, int]] = {
    "session": ACCESS_TTL_S + CLOCK_SKEW_S + MARGIN_S,
    "account": ACCESS_TTL_S_MAX + CLOCK_SKEW_S + MARGIN_S,
    "api-key": ACCESS_TTL_S_MAX + CLOCK_SKEW_S + MARGIN_S,
}


async def revoke(work: UnitOfWork, kind: Kind, subject: str, why: str = "revoked") -> None:
    """Void all access tokens of a session, an account or an API key that were issued until now.

    Revoking an account also ends its sessions, so that no refresh token gives a new access token.

    Args:
        work: The transaction whose commit makes it so.
        kind: What is revoked.
        subject: Its id.
        why: The reason that an ended session shows: logout, suspended, role-change, …
    """
    subjects: list[tuple[Kind, str]] = [(kind, subject)]
    if kind == "account":
        subjects += [("session", session) for session in await _end_sessions(work, subject, why)]
    rows = [
        {
            "id": new_id(work.now),
            "kind": each,
            "subject": name,
            "before_us": int(work.now),
            "created_us": int(work.now),
            "expires_us": work.now + _TTL_S[each] * SECOND_US,
        }
        for each, name in subjects
    ]
    await work.connection.execute(insert(REVOCATIONS), rows)


async def _end_sessions(work: UnitOfWork, account_id: str, why: str) -> list[str]:
    """End all open sessions of an account. Return their ids."""
    ended = (
        update(SESSIONS)
        .where(SESSIONS.c.account_id == account_id, SESSIONS.c.ended_us.is_(None))
        .values(ended_us=int(work.now), ended_why=why)
        .returning(SESSIONS.c.id)
    )
    return list((await work.connection.execute(ended)).scalars())


class Revocations:
    """The revocations that this process knows. `read` asks the store; `is_revoked` only looks up.

    A session is void as a whole. An account's token is void when it was issued before the revocation. A caller with an
    API key is void when this process read the key before it saw a revocation of the key or its account. A reading that
    begins later sees what the revocation has committed. This process counts its polls to tell before from later: no
    clock decides.

    Attributes:
        polls: How often this process has read the revocations.
    """

    def __init__(self) -> None:
        self.polls = 0
        self._sessions: dict[str, int] = {}  # until when each is remembered
        self._before: dict[str, tuple[int, int]] = {}  # accounts and keys: void before, remembered until
        self._seen: dict[str, int] = {}  # accounts and keys: the poll that found the last new revocation
        self._rows: frozenset[str] = frozenset()  # what the last poll found; the next one finds some of it again
        self._read_at: Instant | None = None

    def is_revoked(self, caller: Principal) -> bool:
        """Return whether a caller's token is void."""
        if caller.session_id in self._sessions:
            return True
        if caller.key_id is not None:
            seen = self._seen
            return caller.polls_before < max(seen.get(caller.subject, 0), seen.get(caller.key_id, 0))
        before = self._before.get(caller.subject)
        return before is not None and caller.issued_at_us < before[0]

    async def read(self, connection: AsyncConnection, now: Instant) -> None:
        """Read the latest revocations, at first all; forget those that have expired."""
        table = REVOCATIONS.c
        rows = select(table.id, table.kind, table.subject, table.before_us, table.expires_us)
        rows = rows.where(table.expires_us > int(now))
        if self._read_at is not None:
            rows = rows.where(table.created_us > self._read_at - LATE_COMMIT_US)
        found = (await connection.execute(rows)).all()
        self.polls += 1
        for row_id, kind, subject, before_us, expires_us in found:
            if row_id in self._rows:
                continue
            if kind == "session":
                self._sessions[subject] = expires_us
                continue
            # A revocation may commit after one with a later time. Keys are read again after each of them.
            self._before[subject] = max(self._before.get(subject, (0, 0)), (before_us, expires_us))
            self._seen[subject] = self.polls
        self._rows = frozenset(row.id for row in found)
        self._read_at = now
        self._forget(now)

    def __len__(self) -> int:
        return len(self._sessions) + len(self._before)

    def _forget(self, now: Instant) -> None:
        for subject in [subject for subject, until in self._sessions.items() if until <= now]:
            del self._sessions[subject]
        for subject in [subject for subject, (_, until) in self._before.items() if until <= now]:
            del self._before[subject], self._seen[subject]


async def purge_revocations(work: UnitOfWork) -> None:
    """Delete revocations whose tokens have all expired."""
    await work.connection.execute(delete(REVOCATIONS).where(REVOCATIONS.c.expires_us < int(work.now)))
