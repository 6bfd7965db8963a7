"""One seeded run: writers and relays under load, and kills of them, of the database and of the broker."""

from __future__ import annotations

import asyncio
import multiprocessing
import operator
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Literal

from faust_redis.log import Log, LogError

from api.identity.store.migrate import migrate
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from streams.connect.outbox.position import SOURCE, Position
from streams.topics import MARKET_PRICES
from tests.outbox import processes
from tests.outbox.database import OutboxDatabase, assert_log_equals_database
from tests.outbox.folding import assert_fold_equals_accounts
from tests.outbox.postgres import Postgres

Kind = Literal["sqlite", "postgresql"]

NAMESPACE = "kills"
WRITERS = 1  # of each kind
RELAYS = 2
FAULTS = 10
PAUSE_MAX_S = 0.35
AWAY_MAX_S = 0.4
DRAIN_S = 60.0
POLL_S = 0.05

BEGUN_EVENTS = 20
"""The first fault comes after so many events."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([processes.__name__])


@dataclass(slots=True)
class Outcome:
    """What a run did and found."""

    seed: int
    kind: Kind
    faults: Counter[str] = field(default_factory=Counter)
    events: int = 0
    seconds: float = 0.0
    failure: str = ""


class Process:
    """A process that runs until it is killed, and can be started again."""

    def __init__(self, name: str, body: Callable[[], None]) -> None:
        self.name = name
        self._body = body
        self._process: ForkServerProcess | None = None

    def start(self) -> None:
        self._process = _context.Process(target=self._body, name=self.name, daemon=True)
        self._process.start()

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.exitcode is None, f"{self.name} ended by itself with status {self._process.exitcode}"
        self._process.kill()
        self._process.join()
        self._process = None


class Run:
    """The database, the broker, the writers and the relays of one seed."""

    def __init__(self, seed: int, kind: Kind, directory: Path, postgres: Postgres | None) -> None:
        self.outcome = Outcome(seed, kind)
        self._choice = random.Random(f"{kind} {seed}")
        self._directory = directory
        self._postgres = postgres
        self._url = self._new_database()
        self._server = EmbeddedServer(directory / "broker", find_binary())
        self._backup = directory / "backup"
        self._writers: list[Process] = []
        self._relays: list[Process] = []

    def _new_database(self) -> str:
        if self._postgres is None:
            return f"sqlite:///{self._directory}/outbox.db"
        name = f"kills_{self.outcome.seed}_{os.getpid()}"
        asyncio.run(self._postgres.execute(f"CREATE DATABASE {name}"))
        return self._postgres.url(name)

    def play(self) -> Outcome:
        """Run, and compare what is left."""
        began = time.monotonic()
        try:
            with self._server:
                self._start()
                for _ in range(FAULTS):
                    time.sleep(self._choice.uniform(0, PAUSE_MAX_S))
                    self._fault()
                time.sleep(PAUSE_MAX_S)
                for writer in self._writers:
                    writer.kill()
                self._wait_until(operator.eq, "the relays do not publish everything")
                # A killed writer may have written its commit and not shown it. SQLite shows it when the last connection
                # has gone, so compare before the relays go.
                asyncio.run(self._compare())
                for relay in self._relays:
                    relay.kill()
        except (AssertionError, TimeoutError) as exc:
            self.outcome.failure = f"{type(exc).__name__}: {exc}"
        finally:
            self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _start(self) -> None:
        asyncio.run(self._create())
        seeds = [self._choice.randrange(1 << 30) for _ in range(WRITERS)]
        for n, seed in enumerate(seeds):
            write = partial(processes.write, self._url, seed, self._directory / f"acknowledged-{n}")
            self._writers += [
                Process("writer", write),
                Process("writer of accounts", partial(processes.write_accounts, self._url, seed)),
            ]
        for n in range(RELAYS):
            log_file = self._directory / f"relay-{n}.log"
            relay = partial(processes.relay, self._url, self._server.url, NAMESPACE, log_file)
            self._relays.append(Process("relay", relay))
        for process in (*self._writers, *self._relays):
            process.start()
        self._wait_until(lambda position, last: BEGUN_EVENTS <= position <= last, "nothing is published")

    async def _create(self) -> None:
        await migrate(self._url)
        database = OutboxDatabase(self._url)
        await database.create()
        await database.engine.dispose()

    # --- faults -------------------------------------------------------------------------------------------------------

    def _fault(self) -> None:
        faults: dict[str, Callable[[], None]] = {
            "relay killed": partial(self._restart, self._relays),
            "both relays killed": self._restart_all,
            "writer killed": partial(self._restart, self._writers),
            "broker killed": self._kill_broker,
            "broker saved": self._save_broker,
            "broker restored": self._restore_broker,
            "broker flushed": self._flush_broker,
        }
        weights = [4, 2, 3, 2, 1, 2 if self._backup.exists() else 0, 0.5]
        if self._postgres is not None:
            faults["database killed"] = self._kill_database
            weights.append(1.5)
        [name] = self._choice.choices(list(faults), weights)
        faults[name]()
        self.outcome.faults[name] += 1

    def _away(self) -> None:
        time.sleep(self._choice.uniform(0, AWAY_MAX_S))

    def _restart(self, processes: list[Process]) -> None:
        process = self._choice.choice(processes)
        process.kill()
        self._away()
        process.start()

    def _restart_all(self) -> None:
        for process in self._relays:
            process.kill()
        self._away()
        for process in self._relays:
            process.start()

    def _kill_database(self) -> None:
        assert self._postgres is not None
        self._postgres.kill()
        self._away()
        self._postgres.start()

    def _kill_broker(self) -> None:
        self._take_broker()
        self._away()
        self._bring_broker()

    def _save_broker(self) -> None:
        """Kill the broker, and keep a copy of its files."""
        self._take_broker()
        shutil.rmtree(self._backup, ignore_errors=True)
        shutil.copytree(self._files, self._backup)
        self._bring_broker()

    def _restore_broker(self) -> None:
        """Kill the broker, and start it on the files that were kept."""
        self._take_broker()
        shutil.rmtree(self._files)
        shutil.copytree(self._backup, self._files)
        self._bring_broker()

    def _flush_broker(self) -> None:
        asyncio.run(self._flush())

    async def _flush(self) -> None:
        async with Log(self._server.url, NAMESPACE) as log:
            await log.redis.flushall()

    @property
    def _files(self) -> Path:
        return self._server.directory / "appendonlydir"

    def _take_broker(self) -> None:
        os.kill(self._server.pid, signal.SIGKILL)
        while self._server.exit_code is None:
            time.sleep(POLL_S)

    def _bring_broker(self) -> None:
        self._server.launch()
        deadline = time.monotonic() + DRAIN_S
        while not self._server.ready():
            assert time.monotonic() < deadline, "the broker does not come back"
            time.sleep(POLL_S)

    # --- the end ------------------------------------------------------------------------------------------------------

    def _wait_until(self, holds: Callable[[int, int], bool], otherwise: str) -> None:
        """Wait until something holds of the log's position and the outbox's last number."""
        deadline = time.monotonic() + DRAIN_S
        while not holds(*asyncio.run(self._numbers())):
            assert time.monotonic() < deadline, otherwise
            time.sleep(POLL_S)

    async def _numbers(self) -> tuple[int, int]:
        database = OutboxDatabase(self._url)
        try:
            async with Log(self._server.url, NAMESPACE) as log:
                position = Position.of(await log.source_offsets(SOURCE))
            self.outcome.events = (await database.source.head()).last
        except LogError:
            return -1, self.outcome.events
        finally:
            await database.engine.dispose()
        return position.number, self.outcome.events

    async def _compare(self) -> None:
        """Fail unless accounts, outbox and log agree, and no acknowledged change is missing."""
        database = OutboxDatabase(self._url)
        try:
            rows = await database.source.rows(1, 1_000_000)
            assert [row.number for row in rows] == list(range(1, self.outcome.events + 1)), "the outbox is not dense"
            accounts = await database.accounts()
            changed = sum(row.topic == MARKET_PRICES for row in rows)
            assert sum(accounts.values()) == changed, "test accounts and outbox differ"
            for file in self._directory.glob("acknowledged-*"):
                for line in file.read_text().split("\n")[:-1]:  # the last one may be half written
                    name, _, version = line.partition(" ")
                    assert accounts[name] >= int(version), f"version {version} of {name} was acknowledged and is gone"
            async with Log(self._server.url, NAMESPACE) as log:
                await assert_log_equals_database(log, database)
                await assert_fold_equals_accounts(log, database)
        finally:
            await database.engine.dispose()
