"""kill -9 of a writer leaves whole transactions: an account with its event and audit entry, or none of them."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process

import pytest
from sqlalchemy import select

from api.identity import accounts, audit
from api.identity.store.database import IdentityStore
from api.identity.store.tables import ACCOUNTS, AUDIT_LOG, CREDENTIALS, OUTBOX
from streams.times import Instant
from tests.source import PYTHON_PATH

NOW = Instant.parse("2026-11-29T05:00:00Z")
START_S = 60.0
ENVIRONMENT = {**os.environ, "PYTHONPATH": PYTHON_PATH}


async def spawn(url: str, *options: str) -> tuple[Process, asyncio.StreamReader]:
    """Start a writer, and wait until it has written something."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "tests.identity.writer", url, *options, stdout=PIPE, env=ENVIRONMENT
    )
    assert process.stdout is not None
    return process, process.stdout


async def kill(process: Process) -> None:
    process.send_signal(signal.SIGKILL)
    await process.wait()


async def ids(store: IdentityStore) -> list[set[str]]:
    """Return the ids in each of the tables that one transaction writes. The chain and the numbers must be whole."""
    columns = (ACCOUNTS.c.id, CREDENTIALS.c.account_id, OUTBOX.events.c.key, AUDIT_LOG.c.subject)
    async with store.read() as connection:
        found = [list(await connection.scalars(select(column))) for column in columns]
        numbers = list(await connection.scalars(select(OUTBOX.events.c.number).order_by(OUTBOX.events.c.number)))
        head = await connection.scalar(select(OUTBOX.head.c.last))
        await audit.verify(connection)
    assert numbers == list(range(1, len(numbers) + 1))
    assert head == len(numbers)
    assert all(len(one) == len(set(one)) for one in found)
    return [set(one) for one in found]


async def test_a_writer_killed_in_its_transaction_leaves_neither_row_nor_event(store: IdentityStore) -> None:
    process, output = await spawn(str(store.url), "stop")
    assert await asyncio.wait_for(output.readline(), START_S) == b"written\n"
    await kill(process)
    assert await ids(store) == [set()] * 4
    async with asyncio.timeout(10):  # the lock of the dead writer is gone
        async with store.work(NOW) as work:
            await accounts.create_account(work, username="account-0", account_id="account-0", password_hash="$")
    assert await ids(store) == [{"account-0"}] * 4


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.sample(2)
async def test_a_writer_killed_anywhere_loses_nothing_that_it_committed(store: IdentityStore, seed: int) -> None:
    process, output = await spawn(str(store.url))
    printed = {(await asyncio.wait_for(output.readline(), START_S)).decode().strip()}
    await asyncio.sleep(random.Random(seed).uniform(0.0, 0.5))
    await kill(process)
    printed |= {line.decode().strip() async for line in output if line.endswith(b"\n")}
    rows = await ids(store)
    assert all(one == rows[0] for one in rows)
    assert printed <= rows[0]
    assert len(rows[0] - printed) <= 1  # the last one may have committed before it was printed
