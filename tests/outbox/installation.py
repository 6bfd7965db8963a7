"""An installation that a run takes apart: database, broker, API, relays and a writer, each with ways to kill it."""

from __future__ import annotations

import asyncio
import http.client
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Self

from faust_redis.log import Log
from pydantic import SecretStr

from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from deploy.settings import Settings
from tests.outbox import processes
from tests.outbox.ledger import Ledger
from tests.outbox.postgres import Postgres
from tests.outbox.processes import Process
from tests.ports import free_port

NAMESPACE = "kills"
PARTITIONS = 4
RELAYS = 2
AWAY_MAX_S = 0.4
START_S = 60.0
POLL_S = 0.05
REQUEST_S = 2.0


class Installation:
    """The processes of one run. `ledger` learns when the broker loses commands."""

    def __init__(self, directory: Path, url: str, postgres: Postgres | None, choice: random.Random) -> None:
        self.url = url
        self.server = EmbeddedServer(directory / "broker", find_binary())
        self.postgres = postgres
        self.ledger = Ledger()
        self.backup = directory / "backup"
        self._directory = directory
        self._choice = choice
        self._api_port = free_port()
        write = partial(processes.write, url, choice.randrange(1 << 30), directory / "acknowledged")
        self.writer = self._process("writer", write)
        self.api = self._process("API", lambda: None)
        self.relays: list[Process] = []

    def __enter__(self) -> Self:
        self.server.start()
        settings = self._settings()  # the URL of the server is known now
        self.api = self._process("API", partial(processes.serve_api, settings))
        self.relays = [self._process(f"relay {n}", partial(processes.relay, settings)) for n in range(RELAYS)]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.remove()
        self.server.stop()

    def _process(self, name: str, body: Callable[[], None]) -> Process:
        return Process(name, body, self._directory / f"{name.replace(' ', '-')}.log")

    def _settings(self) -> Settings:
        return Settings(
            broker_url=self.server.url,
            database_url=SecretStr(self.url),
            data_dir=self._directory / "data",
            secret=SecretStr("s" * 32),
            namespace=NAMESPACE,
            partitions=PARTITIONS,
            api_port=self._api_port,
            relay_port=0,
            trusted_proxies="127.0.0.0/8",  # each user has an address
            rate_limit_factor=1_000,
            behind_max_s=0,  # no worker runs, and all orders are accepted
        )

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._api_port}"

    @property
    def processes(self) -> list[Process]:
        return [self.writer, self.api, *self.relays]

    def start(self) -> None:
        """Start everything but broker and database."""
        for process in self.processes:
            process.start()
        self.wait_for_api()

    def wait_for_api(self) -> None:
        """Wait until the API is ready."""
        deadline = time.monotonic() + START_S
        while not self._api_is_ready():
            self.api.check()
            assert time.monotonic() < deadline, "the API does not become ready"
            time.sleep(POLL_S)

    def _api_is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._api_port, timeout=REQUEST_S)
        with closing(connection), suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        return False

    # --- faults -------------------------------------------------------------------------------------------------------

    def fault(self) -> str:
        """Make a random fault, and return its name."""
        faults: dict[str, tuple[float, Callable[[], None]]] = {
            "API killed": (4, partial(self._kill, self.api)),
            "relay killed": (2, lambda: self._kill(self._choice.choice(self.relays))),
            "both relays killed": (1, partial(self._kill, *self.relays)),
            "writer killed": (2, partial(self._kill, self.writer)),
            "broker killed": (2, self._kill_broker),
            "broker saved": (1, self._save_broker),
            "broker restored": (2 if self.backup.exists() else 0, self.restore_broker),
            "broker flushed": (0.5, self.flush_broker),
            "all killed": (1.5, self._kill_all),
        }
        if self.postgres is not None:
            faults["database killed"] = (2, self._kill_database)
        weights = [weight for weight, _ in faults.values()]
        [name] = self._choice.choices(list(faults), weights)
        faults[name][1]()
        return name

    def _away(self) -> None:
        time.sleep(self._choice.uniform(0, AWAY_MAX_S))

    def _kill(self, *killed: Process) -> None:
        for process in killed:
            process.kill()
        self._away()
        for process in killed:
            process.start()

    def _kill_database(self) -> None:
        assert self.postgres is not None
        self.wait_for_api()  # it does not start without a database
        self.postgres.kill()
        self._away()
        self.postgres.start()

    def _kill_all(self) -> None:
        """Kill every process in a random order. An API that starts may end by itself when the database has gone."""
        for process in self.processes:
            process.check()
        if self.postgres is not None:
            self.postgres.kill()
        for process in self._choice.sample(self.processes, len(self.processes)):
            process.remove()
        self._take_broker()
        self._away()
        if self.postgres is not None:
            self.postgres.start()
        for process in self.processes:
            process.start()
        self._bring_broker()

    def _kill_broker(self) -> None:
        self._take_broker()
        self._away()
        self._bring_broker()

    def _save_broker(self) -> None:
        """Kill the broker, and keep a copy of its files."""
        self.ledger.saved()
        self._take_broker()
        shutil.rmtree(self.backup, ignore_errors=True)
        shutil.copytree(self._files, self.backup)
        self._bring_broker()

    def restore_broker(self) -> None:
        """Kill the broker, and start it on the files that were kept."""
        self._take_broker()
        shutil.rmtree(self._files)
        shutil.copytree(self.backup, self._files)
        self.ledger.restored()
        self._bring_broker()

    def flush_broker(self) -> None:
        """Delete everything that the broker has."""
        asyncio.run(self._flush())
        self.ledger.flushed()

    async def _flush(self) -> None:
        async with Log(self.server.url, NAMESPACE) as log:
            await log.redis.flushall()

    @property
    def _files(self) -> Path:
        return self.server.directory / "appendonlydir"

    def _take_broker(self) -> None:
        """Kill the broker with its group: a child of it may be rewriting its file."""
        os.killpg(self.server.pid, signal.SIGKILL)
        while self.server.exit_code is None:
            time.sleep(POLL_S)

    def _bring_broker(self) -> None:
        self.server.launch()
        deadline = time.monotonic() + START_S
        while not self.server.ready():
            assert time.monotonic() < deadline, "the broker does not come back"
            time.sleep(POLL_S)
