"""A scratch installation with the metrics of each process at a known port, and people who use it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, Final, Self

import httpx

from tests.e2e.children import Child
from tests.e2e.pipeline import Pipeline
from tests.observe.chain import ObservedChain
from tests.observe.rules import CHAIN
from tests.ports import free_port

JOBS: Final[Mapping[str, tuple[str, str]]] = {
    "gateway": ("api", "ASTRA_METRICS_PORT"),
    "worker": ("worker", "ASTRA_WORKER_PORT"),
    "relay": ("relay", "ASTRA_RELAY_PORT"),
    "clock": ("clock", "ASTRA_CLOCK_PORT"),
    "webhooks": ("webhooks", "ASTRA_WEBHOOKS_PORT"),
    "indexer": ("indexer", "ASTRA_INDEXER_PORT"),
    "settlement": ("settlement", "ASTRA_SETTLEMENT_PORT"),
    "sink": ("sink", "ASTRA_SINK_PORT"),
    "archive": ("archive", "ASTRA_ARCHIVE_PORT"),
}
"""The command of each job, and the setting of its port of metrics."""

EVERY_S: Final = 0.1
LEASE_MS: Final = 5_000
DISK_BYTES: Final = 64 * 1024 * 1024
WITHDRAWAL: Final = {"asset": "USD", "amount": "1.00", "destination": "iban"}
ORDER: Final = {"market": "BTC", "side": "long", "notional_usd": "15.00", "leverage": 1}


class Installation(Pipeline):
    """All processes of the product, each with its metrics at a port that stays."""

    def __init__(
        self, directory: Path, *, small_disk: bool = False, chain: ObservedChain | None = None, **settings: str
    ) -> None:
        """Prepare an installation.

        Args:
            directory: For all of its files.
            small_disk: Give the broker a disk of its own that a test can fill. Only root can.
            chain: What the services of the chain follow; without one there are none.
            settings: Variables for all of its processes.
        """
        super().__init__(directory, workers=0, api=False, lease_ms=LEASE_MS)
        self.chain = chain
        self.ports = {job: free_port() for job in JOBS if chain or job not in CHAIN}
        self.processes: dict[str, Child] = {}
        self._settings = {**settings, **(chain.settings if chain else {})}
        self._small_disk = small_disk

    def __enter__(self) -> Self:
        if self._small_disk:
            self.server.directory.mkdir(parents=True)
            self.server.directory.chmod(0o700)
            options = f"size={DISK_BYTES},mode=700"
            mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.server.directory)]
            subprocess.run(mount, check=True)
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            if self._small_disk:
                subprocess.run(["umount", str(self.server.directory)], check=True)

    def start_all(self) -> None:
        """Start all processes, and wait until all domains are ready."""
        for job in self.ports:
            self.start_job(job)
        self.wait_until_ready()

    def start_job(self, job: str) -> Child:
        """Start a process, for example again after it was killed."""
        command, variable = JOBS[job]
        settings = {**self._settings, variable: str(self.ports[job])}
        starts = {"gateway": self.start_api, "worker": self.start_worker}
        if job in starts:
            self.processes[job] = starts[job](**settings)
        else:
            self.processes[job] = self.start(command, command, **settings)
        return self.processes[job]

    @property
    def targets(self) -> dict[str, list[str]]:
        """Return the addresses for Prometheus, by job; none of a job that does not run here."""
        return {job: [f"127.0.0.1:{self.ports[job]}"] if job in self.ports else [] for job in JOBS}

    @contextmanager
    def used(self) -> Iterator[None]:
        """Let people use the installation in the block: orders, reads, a feed and a WebSocket."""
        stop = Event()
        people = [Thread(target=self._act, args=(act, stop)) for act in (self._order, self._read, self._follow)]
        for person in people:
            person.start()
        try:
            yield
        finally:
            stop.set()
            for person in people:
                person.join()

    def _act(self, act: Any, stop: Event) -> None:
        while not stop.wait(EVERY_S):
            with suppress(httpx.TransportError):  # what breaks is broken on purpose
                act(stop)

    def _order(self, _stop: Event) -> None:
        user = self.client("user", "ada")
        user.post("/v1/trades", json=ORDER)
        user.post("/v1/withdrawals", json=WITHDRAWAL)

    def _read(self, _stop: Event) -> None:
        user = self.client("user", "bob")
        for path in ("/v1/users/trader-1/progress", "/v1/leaderboards/xp", "/v1/users/bob/balances", "/v1/nothing"):
            user.get(path)

    def _follow(self, stop: Event) -> None:
        with self.client("user", "ada").stream("GET", "/v1/feed/my-trades") as answer:
            for _ in answer.iter_raw():
                if stop.is_set():
                    return
