"""The processes of a run with kills: writers that change accounts, and relays. Each is killed without notice."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from contextlib import suppress
from pathlib import Path

from faust_redis.log import Log

from api.identity import accounts
from api.identity.accounts import AccountError
from api.identity.store.database import IdentityStore
from streams.connect.outbox.service import AWAY, RelayService
from tests.outbox.database import OutboxDatabase, change, now
from tests.outbox.folding import change_account

ACCOUNTS_MAX = 12
CHANGES_MAX = 4
RETRY_S = 0.05
RETENTION_DAYS = 14
REAL_ACCOUNTS_MAX = 10


def write(url: str, seed: int, acknowledged: Path) -> None:
    """Change random accounts until killed. Note each change in a file once its commit has returned."""
    asyncio.run(_write(url, seed, acknowledged))


async def _write(url: str, seed: int, acknowledged: Path) -> None:
    database, choice = OutboxDatabase(url), random.Random(seed)
    with acknowledged.open("a") as file:
        while True:
            names = [f"user-{choice.randrange(ACCOUNTS_MAX)}" for _ in range(choice.randint(1, CHANGES_MAX))]
            with suppress(*AWAY):  # the database is away, or the transactions deadlocked
                changed = []
                async with database.work() as work:
                    for name in sorted(names):  # the order of locks
                        changed.append((name, await change(work, name)))  # noqa: PERF401 - each is awaited in turn
                    if choice.random() < 0.1:
                        await asyncio.sleep(0.02)
                file.writelines(f"{name} {version}\n" for name, version in changed)
                file.flush()
                continue
            await asyncio.sleep(RETRY_S)


def write_accounts(url: str, seed: int) -> None:
    """Create and change real accounts until killed, by the functions that the API's routes and commands call."""
    asyncio.run(_write_accounts(url, seed))


async def _write_accounts(url: str, seed: int) -> None:
    store, choice = IdentityStore(url), random.Random(f"{seed} {os.getpid()}")  # names that its predecessor did not use
    ids: list[str] = []
    while True:
        with suppress(*AWAY, AccountError):
            if not ids:
                async with store.read() as connection:
                    ids = [account.id for account in await accounts.page(connection, limit=REAL_ACCOUNTS_MAX)]
            async with store.work(now()) as work:
                if len(ids) < REAL_ACCOUNTS_MAX:
                    account = await accounts.create_account(work, username=f"name-{choice.getrandbits(40)}")
                    ids.append(account.id)
                else:
                    await change_account(work, choice.choice(ids), choice)
            continue
        await asyncio.sleep(RETRY_S)


def relay(url: str, broker: str, namespace: str, log_file: Path) -> None:
    """Relay until killed."""
    logging.basicConfig(filename=log_file, level=logging.INFO, format="%(asctime)s %(process)d %(message)s")
    asyncio.run(_relay(url, broker, namespace))


async def _relay(url: str, broker: str, namespace: str) -> None:
    database, log = OutboxDatabase(url), Log(broker, namespace)
    await RelayService(database.relay(log), database.source, RETENTION_DAYS, now).run()
