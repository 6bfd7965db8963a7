"""The whole pipeline as real processes: a broker, workers, an API; on free ports, in a temporary directory.

By `python -m tests.shards` it has several brokers, each with so many workers.

    with Pipeline(tmp_path, workers=3) as pipeline:
        pipeline.client("venue", "venue-1").post("/v1/fills", json={"fills": [...]})

When the block fails, the ends of all logs are attached to the error. When it ends, no process is left, and no data
unless `keep` is given.
"""

import os
import secrets
import shutil
import signal
import ssl
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from pydantic import SecretStr

from api.auth import Role
from api.identity.key_ring import KeyRing, SigningKey
from api.identity.signing_keys import load_keys
from api.identity.store.migrate import migrate
from api.kit.clock import now
from deploy.admin.identity import opened_identity
from deploy.run.readiness import missing_for_readiness
from deploy.server.embedded import EmbeddedServer
from deploy.server.endpoint import shard_directory
from deploy.server.server_binary import find_binary
from deploy.settings import DATABASE_FILE, Settings
from tables.domains import TOPOLOGY
from tests.e2e.children import Child
from tests.e2e.waiting import eventually
from tests.ports import free_port
from tests.shards.chosen import shards_chosen
from tests.source import PYTHON_PATH
from tests.support import forked
from tests.support.aside import call_aside, run_aside
from tests.support.tokens import mint

CLI = (*forked.PYTHON, forked.MAIN)
START_S = 60.0
COMMAND_S = 120.0
REQUEST_TIMEOUT_S = 30.0
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Clients here speak plain HTTP. Loading the authorities of TLS takes each longer than a request."""
TOKEN_TTL_S = 86_400
PARTITIONS = 4
LEASE_MS, HEARTBEAT_MS = 1_500, 300
"""Short, so that a killed worker's partitions move within a test's patience."""


class Pipeline:
    """One broker, some workers, one API. Start it with `with`."""

    def __init__(
        self,
        directory: Path,
        *,
        workers: int = 1,
        partitions: int | None = None,
        api: bool = True,
        lease_ms: int = LEASE_MS,
        keep: bool = False,
        shards: int | None = None,
    ) -> None:
        shards = shards or shards_chosen()
        self.directory = directory / "pipeline"
        self.logs = directory / "logs"
        # A server that is killed while the disk is slow may lose its last second, unless it waits for the disk.
        fsync = "everysec" if shards == 1 else "always"
        self.servers = [
            EmbeddedServer(shard_directory(self.directory, n), find_binary(), appendfsync=fsync) for n in range(shards)
        ]
        self.server = self.servers[0]
        self.workers: list[Child] = []
        self.children: list[Child] = []
        self._domains: dict[int, tuple[str, ...]] = {}
        self._shards: dict[int, str] = {}
        self.api: Child
        self._first_workers = workers
        self._with_api = api
        self.api_port = free_port()
        self._probe = self.client_with(None)
        self.secret = secrets.token_hex(32)
        self._partitions = partitions or (PARTITIONS if shards == 1 else 2 * shards)
        self._lease_ms = lease_ms
        self._clients: dict[tuple[str, str], httpx.Client] = {}
        self._keep = keep
        self._signing_key: SigningKey | None = None

    # --- start and stop -----------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            for server in self.servers:
                server.start()
            run_aside(migrate(f"sqlite:///{self.directory / DATABASE_FILE}"))
            for _ in range(self._first_workers * len(self.servers)):
                self.start_worker()
            if self._with_api:
                self.start_api()
            if self._with_api and self._first_workers:
                self.wait_until_ready()
        except BaseException as exc:
            self.__exit__(type(exc), exc, exc.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note("\n".join(child.last_words() for child in self.children))
        for client in (self._probe, *self._clients.values()):
            client.close()
        for child in self.children:
            child.kill()
        for server in self.servers:
            server.stop()
        if not self._keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    # --- processes ----------------------------------------------------------------------------------------------------

    def environment(self, **settings: str) -> dict[str, str]:
        """Return a child's environment: these settings, and no ASTRA_ setting of the tester's own."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")}
        ours = {
            "PYTHONPATH": PYTHON_PATH,
            "PYTHONUNBUFFERED": "1",
            "ASTRA_DATA_DIR": str(self.directory),
            "ASTRA_BROKER_URL": self.broker_url,
            "ASTRA_PARTITIONS": str(self._partitions),
            "ASTRA_API_PORT": str(self.api_port),
            "ASTRA_SECRET": self.secret,
            "ASTRA_LEASE_MS": str(self._lease_ms),
            "ASTRA_HEARTBEAT_MS": str(HEARTBEAT_MS),
        }
        return {**inherited, **ours, **settings}

    def start(self, name: str, *arguments: str, program: Sequence[str] = CLI, **settings: str) -> Child:
        """Start `astratrade …`, or another program with its arguments, without waiting."""
        words = [*program, *arguments]
        child = Child(f"{len(self.children):02d}-{name}", words, self.environment(**settings), self.logs)
        self.children.append(child)
        return child

    def run(self, *arguments: str, **settings: str) -> str:
        """Run `astratrade …` to its end; return its output.

        Raises:
            AssertionError: the command failed, or took too long.
        """
        child = self.start(arguments[0], *arguments, **settings)
        code = eventually(lambda: _wrapped(child.exit_code), within_s=COMMAND_S, what=f"{arguments} ends")[0]
        assert code == 0, child.last_words()
        return child.output()

    def start_worker(self, *domains: str, program: Sequence[str] = CLI, **settings: str) -> Child:
        """Start a worker process that runs these domains, or all; of the shard with the fewest, unless one is named."""
        settings = {"ASTRA_SHARD": self._shard_with_fewest_workers(), **settings}
        options = [word for domain in domains for word in ("--domain", domain)]
        worker = self.start("worker", "worker", *options, program=program, **settings)
        self._domains[worker.pid] = domains or TOPOLOGY.names
        self._shards[worker.pid] = settings["ASTRA_SHARD"]
        self.workers.append(worker)
        return worker

    def _shard_with_fewest_workers(self) -> str:
        running = Counter(self._shards[worker.pid] for worker in self.workers if worker.exit_code is None)
        return min(map(str, range(len(self.servers))), key=lambda shard: running[shard])

    def start_api(self, **settings: str) -> Child:
        self.api = self.start("api", "api", **settings)
        return self.api

    def kill_server(self, shard: int = 0) -> None:
        """Send SIGKILL to a broker; its data directory remains."""
        server = self.servers[shard]
        os.kill(server.pid, signal.SIGKILL)
        eventually(lambda: server.exit_code is not None, within_s=10, what="the server is gone")

    def restart_server(self, shard: int = 0) -> None:
        self.servers[shard].launch()
        eventually(self.servers[shard].ready, within_s=START_S, what="the server is back")

    # --- requests -----------------------------------------------------------------------------------------------------

    @property
    def broker_url(self) -> str:
        """Return the URL of the broker, or of those of all shards."""
        return ",".join(server.url for server in self.servers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def token(self, role: str, user: str) -> str:
        """Return a token that outlasts the tests, as `astratrade token` issues it."""
        return mint(user, Role(role), ttl_s=TOKEN_TTL_S, by=self.signing_key())

    def signing_key(self) -> SigningKey:
        """Return the key that signs the tokens of this installation."""
        if self._signing_key is None:
            self._signing_key = run_aside(self._load_signing_key())
        return self._signing_key

    async def _load_signing_key(self) -> SigningKey:
        async with opened_identity(self.identity_settings()) as (store, seal), store.read() as connection:
            return KeyRing(await load_keys(connection, seal)).signing(now())

    def identity_settings(self) -> Settings:
        """Return the settings that name the database of accounts."""
        return Settings(data_dir=self.directory, secret=SecretStr(self.secret))

    def client(self, role: str, user: str) -> httpx.Client:
        """Return a client with a token of its own; the same role and user get the same client."""
        if (role, user) not in self._clients:
            self._clients[role, user] = self.client_with(self.token(role, user))
        return self._clients[role, user]

    def client_with(self, token: str | None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}", "X-Audit-Reason": "a test of the product"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=REQUEST_TIMEOUT_S, verify=NO_TLS)

    def is_ready(self) -> bool:
        """Return whether the API answers, and each domain has a member with its tables for each running worker."""
        expected = {domain: len(running) for domain, running in self._running().items() if running}
        settings = Settings(broker_url=self.broker_url, data_dir=self.directory)
        return self._answers() and call_aside(partial(missing_for_readiness, settings, expected)) is None

    def _running(self) -> dict[str, list[Child]]:
        """Count by domain the workers that the test has not ended."""
        return {
            domain: [w for w in self.workers if w.exit_code is None and domain in self._domains[w.pid]]
            for domain in TOPOLOGY.names
        }

    def _answers(self) -> bool:
        try:
            return self._probe.get("/healthz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def is_listening(self) -> bool:
        self.check()
        return self._answers()

    def wait_until_listening(self) -> None:
        """Wait until the API answers, with workers or without."""
        eventually(self.is_listening, within_s=START_S, what="/healthz says 200")

    def wait_until_ready(self) -> None:
        eventually(self._ready_or_ended, within_s=START_S, what="all domains are ready")

    def _ready_or_ended(self) -> bool:
        self.check()
        return self.is_ready()

    def check(self) -> None:
        """Fail at once when a process has failed that the test did not stop."""
        for child in self.children:
            assert child.ended_by_us or child.exit_code in {None, 0}, child.last_words()


def _wrapped(code: int | None) -> tuple[int] | None:
    """Wrap an exit code, so that `eventually` does not read 0 as "not yet"."""
    return None if code is None else (code,)
