"""The product as processes: a broker, an API and some workers with the product's own settings, in one directory."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from api.auth import Role
from api.identity.limits import ACCESS_TTL_S_MAX
from deploy.admin.database import prepare_database
from deploy.admin.tokens import DEV_USER, DEV_VENUE, issue
from deploy.errors import DeployError
from deploy.run.dev import api_answers
from deploy.run.readiness import missing_for_readiness
from deploy.server import process
from deploy.server.address import api_url, free_port
from deploy.server.embedded import EmbeddedServer
from deploy.server.endpoint import shard_directory
from deploy.server.server_binary import find_binary
from deploy.settings import Settings
from tables.domains import TOPOLOGY
from tests.bench import module
from tests.support.aside import run_aside

START_S = 120.0
POLL_S = 0.02
STOP_S = 20.0
LEASE_MS = 300_000
"""Workers are stopped while a topic is filled, and are not to lose their partitions for it."""

UNLIMITED: Mapping[str, Any] = {
    "rate_limit_factor": 10_000,
    "connections_per_address_max": 100_000,
    "feeds_anonymous_max": 5_000,
    "feeds_per_address_max": 5_000,
    "feeds_per_account_max": 5_000,
}
"""Settings for a load from one address and few accounts: the limits are at work, and refuse nothing."""

LOG_BYTES = 3_000


class Pipeline:
    """The product's processes. Start and stop it with `with`; its data lies in the directory.

    Args:
        directory: Where.
        workers: How many workers to start.
        limits: Settings of the API's limits.
        shards: How many brokers share the partitions; each has so many workers.
        partitions: How many partitions; None for the product's default.
    """

    def __init__(
        self,
        directory: Path,
        *,
        workers: int,
        limits: Mapping[str, Any] = UNLIMITED,
        shards: int = 1,
        partitions: int | None = None,
    ) -> None:
        self.servers = [EmbeddedServer(shard_directory(directory / "data", n), find_binary()) for n in range(shards)]
        self.server = self.servers[0]
        self._own: dict[str, Any] = {} if partitions is None else {"partitions": partitions}
        self.workers: list[process.Child] = []
        self._directory = directory
        self._first_workers = workers
        self._limits = limits
        self._children: list[process.Child] = []

    def __enter__(self) -> Self:
        for server in self.servers:
            server.start()
        try:
            self.settings = Settings(
                broker_url=",".join(server.url for server in self.servers),
                data_dir=self._directory / "data",
                api_port=free_port("127.0.0.1", 0),
                lease_ms=LEASE_MS,
                behind_max_s=0,  # the ingress is measured without workers
                **self._limits,
                **self._own,
            )
            run_aside(prepare_database(self.settings))
            for number in range(1, self._first_workers + 1):
                for shard in range(len(self.servers)):
                    self.start_worker(f"worker-{number}" + (f"-{shard}" if shard else ""), shard)
            self.api = self._start("api", "api")
            self._wait(self._is_up, "come up")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children:
            process.kill(child)
        for server in self.servers:
            server.stop()

    @property
    def url(self) -> str:
        """Return the API's address."""
        return api_url(self.settings)

    def token(self, role: Role = Role.VENUE) -> str:
        """Return a token of a role; the venue role may report fills."""
        return issue(self.settings, DEV_USER if role is Role.USER else DEV_VENUE, role, ttl_s=ACCESS_TTL_S_MAX)

    def start_worker(self, name: str, shard: int = 0) -> process.Child:
        """Start a worker without waiting; a worker started again under a name gets its old local tables."""
        worker = self._start(name, "worker", "--name", name, "--shard", str(shard))
        self.workers.append(worker)
        return worker

    def stop_worker(self, worker: process.Child) -> None:
        """Ask a worker to end and wait for it."""
        self.workers.remove(worker)
        self._children.remove(worker)
        process.stop(worker, STOP_S)

    def signal_workers(self, number: signal.Signals) -> None:
        """Send a signal to all workers."""
        for worker in self.workers:
            worker.send_signal(number)

    def check(self, deadline: float, what: str) -> None:
        """Raise when a process has ended or the deadline (`time.monotonic`) is over.

        Raises:
            DeployError: with the ends of all logs.
        """
        ended = any(child.poll() is not None for child in self._children)
        if ended or time.monotonic() > deadline:
            why = "a process ended" if ended else "it took too long"
            logs = sorted(self._directory.glob("*.log"))
            words = "\n".join(f"{path.name}: {path.read_text(errors='replace')[-LOG_BYTES:]}" for path in logs)
            raise DeployError(f"the pipeline did not {what}: {why}\n{words}")

    def _start(self, name: str, *arguments: str) -> process.Child:
        inherited = {variable: value for variable, value in os.environ.items() if not variable.startswith("ASTRA_")}
        with (self._directory / f"{name}.log").open("ab") as output:
            child = module.spawn(
                "deploy.cli.main", *arguments, env=inherited | self.settings.environment(), output=output
            )
        self._children.append(child)
        return child

    def _is_up(self) -> bool:
        if not api_answers(self.url):
            return False
        expected = dict.fromkeys(TOPOLOGY.names, self._first_workers * len(self.servers))
        return not self._first_workers or missing_for_readiness(self.settings, expected) is None

    def _wait(self, so: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + START_S
        while not so():
            self.check(deadline, what)
            time.sleep(POLL_S)
