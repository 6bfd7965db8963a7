"""The processes of a run with kills: a writer, the API and relays. Each is killed without notice."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from api.identity import accounts
from api.identity.accounts import AccountError
from api.identity.store.database import IdentityStore
from deploy.run import api as api_process
from deploy.run import relay as relay_process
from deploy.settings import Settings
from streams.connect.outbox.service import UNAVAILABLE_ERRORS
from tests.outbox.database import OutboxDatabase, change, now
from tests.outbox.folding import change_account

ACCOUNTS_MAX = 12
CHANGES_MAX = 4
RETRY_S = 0.05
PAUSE_MAX_S = 0.03
"""Between two transactions of a writer. SQLite has one writer at a time, and the API is another one."""
REAL_ACCOUNTS_MAX = 10
LOG_CHARS = 3_000

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


class Process:
    """A process that runs until it is killed, and can be started again. Its output goes to a file."""

    def __init__(self, name: str, body: Callable[[], None], log_file: Path) -> None:
        self.name = name
        self._body = body
        self._log_file = log_file
        self._process: ForkServerProcess | None = None

    def start(self) -> None:
        self._process = _context.Process(target=_logged, args=(self._body, self._log_file), name=self.name, daemon=True)
        self._process.start()

    def check(self) -> None:
        """Fail when the process has ended by itself."""
        process = self._process
        if process is not None and process.exitcode is not None:
            said = self._log_file.read_text("utf-8", errors="replace")[-LOG_CHARS:]
            raise AssertionError(f"{self.name} ended by itself with status {process.exitcode}:\n{said}")

    def kill(self) -> None:
        """Send SIGKILL."""
        self.check()
        self.remove()

    def remove(self) -> None:
        """Kill the process if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None


def _logged(body: Callable[[], None], log_file: Path) -> None:
    with log_file.open("a", encoding="utf-8") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(message)s")
    body()


def serve_api(settings: Settings) -> None:
    """Run the API, as `astratrade api` does."""
    api_process.serve(settings)


def relay(settings: Settings) -> None:
    """Run a relay, as `astratrade relay` does."""
    relay_process.run_relay(settings)


def write(url: str, seed: int, acknowledged: Path) -> None:
    """Change test accounts and real ones until killed. Note each change of a test account once its commit returned."""
    asyncio.run(_write(url, seed, acknowledged))


async def _write(url: str, seed: int, acknowledged: Path) -> None:
    database, store = OutboxDatabase(url), IdentityStore(url)
    choice = random.Random(f"{seed} {os.getpid()}")  # names that its predecessor did not use
    ids: list[str] = []
    with acknowledged.open("a") as file:
        while True:
            with suppress(*UNAVAILABLE_ERRORS, AccountError):  # the database is away, or the transactions deadlocked
                if choice.random() < 0.5:
                    await _change_real_account(store, ids, choice)
                else:
                    file.writelines(f"{name} {version}\n" for name, version in await _change_some(database, choice))
                    file.flush()
                await asyncio.sleep(choice.uniform(0, PAUSE_MAX_S))
                continue
            await asyncio.sleep(RETRY_S)


async def _change_some(database: OutboxDatabase, choice: random.Random) -> list[tuple[str, int]]:
    """Change test accounts in one transaction. Return the new version of each one."""
    names = [f"user-{choice.randrange(ACCOUNTS_MAX)}" for _ in range(choice.randint(1, CHANGES_MAX))]
    changed = []
    async with database.work() as work:
        for name in sorted(names):  # the order of locks
            changed.append((name, await change(work, name)))  # noqa: PERF401 - each is awaited in turn
        if choice.random() < 0.1:
            await asyncio.sleep(0.02)
    return changed


async def _change_real_account(store: IdentityStore, ids: list[str], choice: random.Random) -> None:
    """Create or change a real account, by the functions that operators' commands call."""
    if not ids:
        async with store.read() as connection:
            page = await accounts.page(connection, limit=1_000)
        ids += [account.id for account in page if (account.username or "").startswith("name-")]
    async with store.work(now()) as work:
        if len(ids) < REAL_ACCOUNTS_MAX:
            ids.append((await accounts.create_account(work, username=f"name-{choice.getrandbits(40)}")).id)
        else:
            await change_account(work, choice.choice(ids), choice)
