"""The rows of the identity store after kills: no transaction is half there, and no answered change is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from faust_redis.log import Log
from sqlalchemy import Column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from api.identity import audit
from api.identity.store.tables import ACCOUNTS, AUDIT_LOG, CREDENTIALS, REFRESH_TOKENS, REVOCATIONS, SESSIONS
from streams.connect.outbox.position import OutboxRow
from streams.events import EventData, decode
from streams.events.user import (
    AccountClosed,
    AccountRegistered,
    AccountReinstated,
    AccountSuspended,
    LoggedIn,
    ProfileChanged,
    RoleChanged,
)
from tests.outbox.database import published
from tests.outbox.folding import USER_EVENTS
from tests.outbox.users import User

EVENT_OF_ACTION: Final[Mapping[str, type[EventData]]] = {
    "account.created": AccountRegistered,
    "account.suspended": AccountSuspended,
    "account.reinstated": AccountReinstated,
    "account.closed": AccountClosed,
    "account.privacy-changed": ProfileChanged,
    "account.renamed": ProfileChanged,
    "account.role-changed": RoleChanged,
    "session.opened": LoggedIn,
}
"""Each of these entries of the audit log is written in the transaction that emits the event."""

Counts = Counter[tuple[str, str]]
"""How often each event of each account happened."""


async def assert_no_row_is_missing(
    connection: AsyncConnection, rows: Sequence[OutboxRow], users: Iterable[User]
) -> None:
    """Fail unless the tables agree with each other, with the outbox and with the answers that users got."""
    await audit.verify(connection)
    assert await _audited(connection) == _emitted(rows), "the audit log and the outbox report different changes"
    ids = await _all(connection, ACCOUNTS.c.id)
    registered = Counter(key for key, event in _emitted(rows).elements() if event == AccountRegistered.__name__)
    assert registered == Counter(ids), "accounts and their registrations in the outbox differ"
    await _assert_sessions_are_whole(connection)
    stored = {
        row.id: row
        for row in await connection.execute(select(ACCOUNTS.c.id, ACCOUNTS.c.username, ACCOUNTS.c.is_private))
    }
    passwords = set(await _all(connection, CREDENTIALS.c.account_id))
    changed = await _subjects(connection, "password.changed")
    for user in users:
        row = stored.get(user.user_id)
        assert row is not None, (
            f"the registration of {user.name} ({user.user_id}) was answered, and there is no account"
        )
        assert row.username == user.name, f"{user.user_id} is {row.username} and not {user.name}"
        assert row.is_private in user.private, f"{user.name} set {user.private}, and the account has {row.is_private}"
        assert user.user_id in passwords, f"{user.name} has no password"
        assert changed[user.user_id] >= user.passwords_changed, f"a new password of {user.name} is not in the audit log"


async def _assert_sessions_are_whole(connection: AsyncConnection) -> None:
    """Fail unless each session has its audit entry and a refresh token, and each one that ended its revocation."""
    sessions = {row.id: row for row in await connection.execute(select(SESSIONS))}
    opened = await connection.execute(select(AUDIT_LOG.c.detail).where(AUDIT_LOG.c.action == "session.opened"))
    assert Counter(row.detail["session"] for row in opened) == Counter(sessions.keys()), (
        "the audit log has other sessions"
    )
    unused = Counter(await _all(connection, REFRESH_TOKENS.c.session_id, REFRESH_TOKENS.c.used_us.is_(None)))
    assert unused == Counter(sessions.keys()), "not every session has exactly one refresh token that was not used"
    revoked = set(await _all(connection, REVOCATIONS.c.subject, REVOCATIONS.c.kind == "session"))
    ended = {name for name, row in sessions.items() if row.ended_us is not None}
    assert revoked == ended, "ended sessions and revocations differ"


async def assert_log_has_the_outbox(log: Log, rows: Sequence[OutboxRow], *topics: str) -> None:
    """Fail unless topics hold exactly the outbox's events, each once, those of one key in the order of the commits."""
    for topic in {USER_EVENTS, *topics}:
        expected: dict[bytes, list[bytes]] = {}
        for row in rows:
            if row.topic == topic:
                expected.setdefault(row.key.encode(), []).append(row.value)
        found: dict[bytes, list[bytes]] = {}
        for record in await published(log, topic):
            found.setdefault(record.key or b"", []).append(record.value or b"")
        assert found.keys() == expected.keys(), (
            f"{topic} has other keys than the outbox: {found.keys() ^ expected.keys()}"
        )
        for key, values in expected.items():
            assert found[key] == values, f"{topic} has {len(found[key])} events of {key!r}, the outbox {len(values)}"


def _emitted(rows: Sequence[OutboxRow]) -> Counts:
    """Count the events of audited changes."""
    names = {event.__name__ for event in EVENT_OF_ACTION.values()}
    events = (decode(row.value).data for row in rows if row.topic == USER_EVENTS)
    found = zip((row.key for row in rows if row.topic == USER_EVENTS), events, strict=True)
    return Counter((key, type(data).__name__) for key, data in found if type(data).__name__ in names)


async def _audited(connection: AsyncConnection) -> Counts:
    counts: Counts = Counter()
    for action, event in EVENT_OF_ACTION.items():
        for subject, times in (await _subjects(connection, action)).items():
            counts[subject, event.__name__] += times
    return counts


async def _subjects(connection: AsyncConnection, action: str) -> Counter[str]:
    return Counter(await _all(connection, AUDIT_LOG.c.subject, AUDIT_LOG.c.action == action))


async def _all(connection: AsyncConnection, column: Column[Any], *where: Any) -> Sequence[Any]:
    return (await connection.execute(select(column).where(*where))).scalars().all()
