"""The audit log: append-only, one chain under concurrent writers, and any change of it is found and named."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from api.identity import audit
from api.identity.audit import AuditCheckpoint, BrokenChainError
from api.identity.store.database import IdentityStore
from api.identity.store.tables import AUDIT_HEAD, AUDIT_LOG
from streams.times import Instant

NOW = Instant.parse("2026-11-29T05:00:00Z")
NUMBER = AUDIT_LOG.c.number


async def write(store: IdentityStore, count: int, *, subject: str = "alice") -> None:
    for number in range(count):
        async with store.work(NOW) as work:
            await audit.record(
                work, actor="operator", action="tried", subject=subject, detail={"n": number, "ü": [1.5]}
            )


async def verify(store: IdentityStore, noted: AuditCheckpoint | None = None) -> AuditCheckpoint:
    async with store.read() as connection:
        return await audit.verify(connection, noted)


async def tamper(store: IdentityStore, *statements: Any) -> None:
    """Change the log as someone can who owns the database."""
    on_sqlite = store.engine.dialect.name == "sqlite"
    off = ["DROP TRIGGER audit_log_no_update", "DROP TRIGGER audit_log_no_delete"]
    async with store.engine.begin() as connection:
        for statement in off if on_sqlite else ["ALTER TABLE audit_log DISABLE TRIGGER ALL"]:
            await connection.execute(text(statement))
        for statement in statements:
            await connection.execute(statement)


async def test_an_empty_log_verifies(store: IdentityStore) -> None:
    assert await verify(store) == AuditCheckpoint(0, bytes(32))


async def test_entries_are_chained_and_read_back(store: IdentityStore) -> None:
    await write(store, 3)
    last = await verify(store)
    assert last.number == 3
    async with store.read() as connection:
        found = await audit.entries(connection, last=2)
    assert [(entry.number, entry.actor, entry.subject, entry.detail) for entry in found] == [
        (2, "operator", "alice", {"n": 1, "ü": [1.5]}),
        (3, "operator", "alice", {"n": 2, "ü": [1.5]}),
    ]
    assert await verify(store, AuditCheckpoint.parse(str(last))) == last


async def test_concurrent_writers_leave_one_chain(store: IdentityStore) -> None:
    async def writer(number: int) -> None:
        async with store.work(NOW) as work:
            for _ in range(2):
                await audit.record(work, actor=f"a-{number}", action="tried", subject="x", detail={})

    await asyncio.gather(*map(writer, range(25)))
    assert (await verify(store)).number == 50


async def test_an_entry_of_a_transaction_that_fails_is_not_written(store: IdentityStore) -> None:
    async def fail() -> None:
        async with store.work(NOW) as work:
            await audit.record(work, actor="a", action="tried", subject="x", detail={})
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        await fail()
    assert (await verify(store)).number == 0


@pytest.mark.parametrize(
    "statement", [update(AUDIT_LOG).values(actor="nobody"), delete(AUDIT_LOG), delete(AUDIT_LOG).where(NUMBER == 1)]
)
async def test_the_database_refuses_to_change_or_delete_an_entry(store: IdentityStore, statement: Any) -> None:
    await write(store, 2)
    with pytest.raises(DBAPIError, match="the audit log is append-only"):
        async with store.work(NOW) as work:
            await work.connection.execute(statement)
    assert (await verify(store)).number == 2


async def test_postgresql_refuses_to_empty_the_log(store: IdentityStore) -> None:
    if store.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(DBAPIError, match="the audit log is append-only"):
        async with store.work(NOW) as work:
            await work.connection.execute(text("TRUNCATE audit_log"))


@pytest.mark.parametrize("column", ["time_us", "actor", "action", "subject", "detail", "previous", "digest"])
async def test_a_changed_field_is_named(store: IdentityStore, column: str) -> None:
    await write(store, 4)
    value: Any = {"time_us": 1, "detail": {"n": 7}, "previous": bytes(32), "digest": bytes(32)}.get(column, "mallory")
    await tamper(store, update(AUDIT_LOG).where(NUMBER == 3).values({column: value}))
    with pytest.raises(BrokenChainError, match="entry 3 is broken"):
        await verify(store)


async def test_a_removed_entry_is_named_wherever_it_was(store: IdentityStore) -> None:
    await write(store, 4)
    await tamper(store, delete(AUDIT_LOG).where(NUMBER == 4))
    with pytest.raises(BrokenChainError, match="entry 4 is broken: it is missing"):
        await verify(store)
    async with store.engine.begin() as connection:
        await connection.execute(delete(AUDIT_LOG).where(NUMBER == 1))
    with pytest.raises(BrokenChainError, match="entry 1 is broken: it is missing"):
        await verify(store)


async def test_an_inserted_entry_is_named(store: IdentityStore) -> None:
    await write(store, 2)
    async with store.read() as connection:
        row = (await connection.execute(select(AUDIT_LOG).where(NUMBER == 2))).one()
    await tamper(store, insert(AUDIT_LOG).values(row._asdict() | {"number": 3}))
    with pytest.raises(BrokenChainError, match="entry 3 is broken: it does not continue the entry before"):
        await verify(store)


async def test_a_log_that_was_written_anew_is_found_by_a_noted_digest(store: IdentityStore) -> None:
    await write(store, 3)
    noted = await verify(store)
    await tamper(store, delete(AUDIT_LOG), update(AUDIT_HEAD).values(number=0, digest=bytes(32)))
    with pytest.raises(BrokenChainError, match="entry 1 is broken: it is missing"):
        await verify(store, noted)
    await write(store, 4, subject="somebody else")
    assert (await verify(store)).number == 4
    with pytest.raises(BrokenChainError, match="entry 3 is broken: it is another entry than the one that was noted"):
        await verify(store, noted)


async def test_a_log_cut_at_its_end_together_with_its_head_is_found_by_a_noted_digest(store: IdentityStore) -> None:
    await write(store, 3)
    noted = await verify(store)
    async with store.read() as connection:
        second = (await connection.execute(select(AUDIT_LOG.c.digest).where(NUMBER == 2))).scalar_one()
    await tamper(store, delete(AUDIT_LOG).where(NUMBER == 3), update(AUDIT_HEAD).values(number=2, digest=second))
    assert (await verify(store)).number == 2
    with pytest.raises(BrokenChainError, match="entry 3 is broken: it is missing"):
        await verify(store, noted)


@pytest.mark.parametrize(
    "changes",
    [{"actor": ""}, {"actor": "a" * 65}, {"action": "a" * 65}, {"subject": "s\0"}, {"detail": {"text": "x" * 9_000}}],
)
async def test_an_entry_that_does_not_fit_is_refused_before_it_is_written(
    store: IdentityStore, changes: dict[str, Any]
) -> None:
    entry: dict[str, Any] = {"actor": "a", "action": "b", "subject": "c", "detail": {}} | changes
    with pytest.raises(ValueError, match="audit"):
        async with store.work(NOW) as work:
            await audit.record(work, **entry)


@pytest.mark.parametrize("noted", ["", "1", "x:00", "1:zz", "0:" + "00" * 32, "1:" + "00" * 31])
def test_a_noted_digest_that_is_none_is_refused(noted: str) -> None:
    with pytest.raises(ValueError, match=r"expected a number, a colon|invalid literal|non-hexadecimal"):
        AuditCheckpoint.parse(noted)
