"""One seeded run: requests to the API under faults, and the comparison of all that is left."""

from __future__ import annotations

import asyncio
import operator
import os
import random
import shutil
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from faust_redis.log import Log, LogError

from api.identity.store.database import IdentityStore
from api.identity.store.migrate import migrate
from streams.connect.outbox.position import SOURCE, OutboxPosition
from streams.topics import MARKET_PRICES
from tests.outbox.consistency import assert_log_has_the_outbox, assert_no_row_is_missing
from tests.outbox.database import OutboxDatabase, assert_log_equals_database
from tests.outbox.folding import assert_fold_equals_accounts
from tests.outbox.installation import NAMESPACE, Installation
from tests.outbox.load import Load
from tests.outbox.postgres import Postgres

Kind = Literal["sqlite", "postgresql"]

FAULTS = 8
PAUSE_MAX_S = 0.3
SERVING_SHARE = 0.8
"""Before this share of the faults the API serves; the others may hit it while it starts."""
DRAIN_S = 60.0
POLL_S = 0.1

BEGUN_EVENTS = 20
BEGUN_ORDERS = 2
"""The first fault comes after so many events and orders."""


@dataclass(slots=True)
class Outcome:
    """What a run did and found.

    Attributes:
        seed: The seed.
        kind: The database.
        faults: How often each fault came.
        answers: How often each status was answered; 0 stands for a connection that broke.
        users: How many users were registered.
        orders: How many orders the log had to have in the end.
        events: How many events the outbox had.
        story: The faults in order, each with the second at which it was over.
        seconds: How long it took.
        failure: What was wrong; empty when all was right.
    """

    seed: int
    kind: Kind
    faults: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    users: int = 0
    orders: int = 0
    events: int = 0
    story: list[str] = field(default_factory=list)
    seconds: float = 0.0
    failure: str = ""


class Template:
    """A database with all tables for each kind. Each run gets a copy, which is quicker than the migrations."""

    def __init__(self, directory: Path, postgres: Postgres | None) -> None:
        self.postgres = postgres
        self._file = directory / "template.db"
        asyncio.run(_create(f"sqlite:///{self._file}"))
        if postgres is not None:
            asyncio.run(postgres.execute("CREATE DATABASE template_of_kills"))
            asyncio.run(_create(postgres.url("template_of_kills")))

    def copy(self, kind: Kind, seed: int, directory: Path) -> str:
        """Return the URL of a new database."""
        if kind == "sqlite":
            shutil.copyfile(self._file, directory / "outbox.db")
            return f"sqlite:///{directory}/outbox.db"
        assert self.postgres is not None
        name = f"kills_{seed}_{os.getpid()}"
        asyncio.run(self.postgres.execute(f"CREATE DATABASE {name} TEMPLATE template_of_kills"))
        return self.postgres.url(name)


async def _create(url: str) -> None:
    await migrate(url)
    database = OutboxDatabase(url)
    await database.create()
    await database.engine.dispose()


class Run:
    """One seed: its installation and its load."""

    def __init__(self, seed: int, kind: Kind, directory: Path, template: Template) -> None:
        self.outcome = Outcome(seed, kind)
        self._began = time.monotonic()
        self._choice = random.Random(f"{kind} {seed}")
        self._directory = directory
        url = template.copy(kind, seed, directory)
        self._installation = Installation(
            directory, url, template.postgres if kind == "postgresql" else None, self._choice
        )
        self._load = Load(self._installation.api_url, url, seed, self._installation.ledger)

    def play(self) -> Outcome:
        """Run, and compare what is left. An error of the harness itself is a failure, too."""
        try:
            with self._installation:
                self._play()
        except Exception as exc:
            found = self._load.failure or f"{type(exc).__name__}: {exc}\n{traceback.format_exc()}"
            self.outcome.failure = found
        self.outcome.seconds = time.monotonic() - self._began
        self.outcome.answers = self._load.statuses
        self.outcome.users = len(self._load.registered)
        return self.outcome

    def _play(self) -> None:
        try:
            self._installation.start()
            self._load.start()
            self._wait_until(self._has_begun, "nothing is published")
            self._say("begun")
            for _ in range(FAULTS):
                if self._choice.random() < SERVING_SHARE:
                    self._installation.wait_for_api()
                time.sleep(self._choice.uniform(0, PAUSE_MAX_S))
                fault = self._installation.fault()
                self.outcome.faults[fault] += 1
                self._say(fault)
                assert not self._load.failure, self._load.failure
            self._end()
        finally:
            self._load.stop()

    def _say(self, text: str) -> None:
        self.outcome.story.append(f"{time.monotonic() - self._began:6.2f} s  {text}")

    def _has_begun(self, position: int, last: int) -> bool:
        assert not self._load.failure, self._load.failure
        return BEGUN_EVENTS <= position <= last and len(self._installation.ledger.sent) >= BEGUN_ORDERS

    def _end(self) -> None:
        """Let all that was begun end, compare, and do so again after the broker has lost some of it."""
        installation, load = self._installation, self._load
        installation.writer.kill()
        installation.wait_for_api()
        load.stop()
        assert not load.failure, load.failure
        self._say("the load has ended")
        # A killed writer may have written its commit and not shown it. SQLite shows it when the last connection
        # has gone, so compare while the API and the relays run.
        self._compare_all()
        self._say("compared")
        load.verify()
        self._say("verified")
        self._lose()
        load.place_again()
        self._compare_all()
        self._say("compared after a loss")
        for process in (installation.api, *installation.relays):
            process.check()

    def _lose(self) -> None:
        """Take away what the broker has."""
        if self._installation.backup.exists():
            self._installation.restore_broker()
        else:
            self._installation.flush_broker()

    def _wait_until(self, holds: Callable[[int, int], bool], otherwise: str) -> None:
        """Wait until something holds of the log's position and the outbox's last number."""
        deadline = time.monotonic() + DRAIN_S
        while not holds(*asyncio.run(self._numbers())):
            assert time.monotonic() < deadline, otherwise
            time.sleep(POLL_S)

    async def _numbers(self) -> tuple[int, int]:
        database = OutboxDatabase(self._installation.url)
        try:
            async with Log(self._installation.server.url, NAMESPACE) as log:
                position = OutboxPosition.of(await log.source_offsets(SOURCE))
            self.outcome.events = (await database.source.head()).last
        except LogError:
            return -1, self.outcome.events
        finally:
            await database.engine.dispose()
        return position.number, self.outcome.events

    def _compare_all(self) -> None:
        self._wait_until(operator.eq, "the relays do not publish everything")
        asyncio.run(self._compare())

    async def _compare(self) -> None:
        """Fail unless accounts, outbox and log agree, and nothing that was answered is missing."""
        url = self._installation.url
        database, store = OutboxDatabase(url), IdentityStore(url)
        try:
            rows = await database.source.rows(1, 1_000_000)
            assert [row.number for row in rows] == list(range(1, self.outcome.events + 1)), "the outbox is not dense"
            accounts = await database.accounts()
            changed = sum(row.topic == MARKET_PRICES for row in rows)
            assert sum(accounts.values()) == changed, "test accounts and outbox differ"
            for line in (self._directory / "acknowledged").read_text().split("\n")[:-1]:  # the last may be half written
                name, _, version = line.partition(" ")
                assert accounts[name] >= int(version), f"version {version} of {name} was acknowledged and is gone"
            async with store.read() as connection:
                await assert_no_row_is_missing(connection, rows, self._load.registered)
            async with Log(self._installation.server.url, NAMESPACE) as log:
                await assert_log_has_the_outbox(log, rows, MARKET_PRICES)
                await assert_log_equals_database(log, database)
                await assert_fold_equals_accounts(log, database)
                self.outcome.orders = await self._installation.ledger.compare(log)
        finally:
            await database.engine.dispose()
            await store.close()
