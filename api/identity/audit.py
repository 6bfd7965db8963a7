"""The audit log: who did what to whom. Entries are appended, never changed, and each one seals those before it.

An entry's digest is the SHA-256 of the previous digest and of all its own fields. So a changed, removed or inserted
entry breaks the chain at its number. The database refuses to change entries; the chain shows when someone did so
around it. An attacker who can rewrite the whole database can also write a new chain. An operator who keeps the number
and digest of an entry elsewhere detects this, too (`AuditCheckpoint`).

Put neither secrets nor e-mail addresses in an entry: it cannot be removed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from api.identity.errors import IdentityError
from api.identity.store.tables import AUDIT_HEAD, AUDIT_LOG
from streams.connect.outbox.unit_of_work import UnitOfWork

SYSTEM: Final = "system"
"""The actor of what the program does by itself."""
OPERATOR: Final = "operator:"
"""What the actor of an operator's command begins with. The user of the operating system follows."""
HEAD_ID: Final = 1
FIRST: Final = bytes(32)
"""What the first entry has as the digest before it."""
DETAIL_BYTES_MAX: Final = 8_192
PAGE: Final = 500


class Entry(NamedTuple):
    """One entry. Its time is Unix microseconds."""

    number: int
    time_us: int
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]

    def digest(self, previous: bytes) -> bytes:
        """Return the digest of this entry after another one."""
        return hashlib.sha256(previous + _canonical(list(self))).digest()


class AuditCheckpoint(NamedTuple):
    """The number and digest of an entry, as an operator noted them outside of the database."""

    number: int
    digest: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.digest.hex()}"

    @classmethod
    def parse(cls, text: str) -> AuditCheckpoint:
        """Read what `str` gives.

        Raises:
            ValueError: the text is not a number, a colon and 64 hexadecimal digits.
        """
        number, _, digest = text.partition(":")
        noted = cls(int(number), bytes.fromhex(digest))
        if noted.number < 1 or len(noted.digest) != len(FIRST):
            raise ValueError("expected a number, a colon and 64 hexadecimal digits")
        return noted


class BrokenChainError(IdentityError):
    """The log was changed around the database's own protection.

    Attributes:
        number: The first entry that is not as it was written.
    """

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"entry {number} is broken: {why}")
        self.number = number


async def record(work: UnitOfWork, *, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Append an entry when the transaction commits.

    Args:
        work: The transaction that does what the entry reports.
        actor: The account that acts, or `SYSTEM`.
        action: What it does, such as ``account.suspended``.
        subject: What is acted on: mostly an account's id.
        detail: More facts, which JSON can hold.

    Raises:
        ValueError: the entry does not fit into its table.
    """
    if len(_canonical(detail)) > DETAIL_BYTES_MAX:
        raise ValueError(f"the detail of an audit entry takes at most {DETAIL_BYTES_MAX} bytes")
    for column, text in ((AUDIT_LOG.c.actor, actor), (AUDIT_LOG.c.action, action), (AUDIT_LOG.c.subject, subject)):
        if not 1 <= len(text) <= (column.type.length or 0) or "\0" in text:  # type: ignore[attr-defined]
            raise ValueError(f"{text[:40]!r} does not fit the column {column.name} of the audit log")

    async def append() -> None:
        # Concurrent writers wait here for the row of the head, so that each entry has exactly one successor.
        head = await _head(work.connection, lock=True)
        entry = Entry(head.number + 1, int(work.now), actor, action, subject, dict(detail))
        digest = entry.digest(head.digest)
        await work.connection.execute(insert(AUDIT_LOG).values(entry._asdict() | _links(head.digest, digest)))
        raised = update(AUDIT_HEAD).where(AUDIT_HEAD.c.id == HEAD_ID).values(number=entry.number, digest=digest)
        await work.connection.execute(raised)

    work.before_commit(append)


async def verify(connection: AsyncConnection, noted: AuditCheckpoint | None = None) -> AuditCheckpoint:
    """Check the whole chain, and that an entry noted earlier is still in it. Return the last entry to note.

    Raises:
        BrokenChainError: naming the first broken entry.
    """
    head, last = await _head(connection), AuditCheckpoint(0, FIRST)
    async for row in _rows(connection):
        if row.number != last.number + 1:
            raise BrokenChainError(last.number + 1, "it is missing")
        if row.previous != last.digest:
            raise BrokenChainError(row.number, "it does not continue the entry before")
        if row.digest != _entry(row).digest(last.digest):
            raise BrokenChainError(row.number, "its fields do not match its digest")
        last = AuditCheckpoint(row.number, row.digest)
        if noted is not None and noted.number == last.number and noted.digest != last.digest:
            raise BrokenChainError(last.number, "it is another entry than the one that was noted")
    if last.number < max(head.number, 0 if noted is None else noted.number):
        raise BrokenChainError(last.number + 1, "it is missing")
    if last != head:
        raise BrokenChainError(last.number, "the head of the log names another entry")
    return last


async def entries(
    connection: AsyncConnection, *, last: int, subject: str | None = None, actor: str | None = None
) -> list[Entry]:
    """Return the newest entries in their order, at most `last`, of a subject or an actor if one is given."""
    query = select(AUDIT_LOG).order_by(AUDIT_LOG.c.number.desc()).limit(last)
    if subject is not None:
        query = query.where(AUDIT_LOG.c.subject == subject)
    if actor is not None:
        query = query.where(AUDIT_LOG.c.actor == actor)
    return [_entry(row) for row in (await connection.execute(query)).all()][::-1]


def _canonical(value: Any) -> bytes:
    """Return the one JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _links(previous: bytes, digest: bytes) -> dict[str, bytes]:
    return {"previous": previous, "digest": digest}


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.number, row.time_us, row.actor, row.action, row.subject, row.detail)


async def _head(connection: AsyncConnection, *, lock: bool = False) -> AuditCheckpoint:
    query = select(AUDIT_HEAD.c.number, AUDIT_HEAD.c.digest).where(AUDIT_HEAD.c.id == HEAD_ID)
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise BrokenChainError(0, "the head of the log is missing")
    return AuditCheckpoint(row.number, row.digest)


async def _rows(connection: AsyncConnection) -> AsyncIterator[Row[Any]]:
    """Yield all entries in the order of their numbers, a page at a time."""
    query, last = select(AUDIT_LOG).order_by(AUDIT_LOG.c.number).limit(PAGE), None
    while page := (await connection.execute(query if last is None else query.where(AUDIT_LOG.c.number > last))).all():
        for row in page:
            yield row
        last = page[-1].number
