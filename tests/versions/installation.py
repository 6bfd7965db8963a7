"""One installation whose workers run two versions: for each, a process with all six domains."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx

from deploy.run.readiness import missing_for_readiness
from tables.domains import TOPOLOGY
from tests.community.behaviour.life import START_US
from tests.community.servers.installation import GATEWAY, Installation
from tests.e2e.children import TERM_GRACE_S, Child
from tests.e2e.pipeline import NO_TLS
from tests.ports import free_port
from tests.versions.tree import python_path

OLD, NEW = "old", "new"
VERSIONS = (OLD, NEW)
PROGRAM = (sys.executable, "-P", "-m", "deploy.cli.main")
"""A program, not a fork of this process, which has imported the new version."""
PROCESSED = re.compile(r'^astra_worker_events_total\{domain="(\w+)"\} (\S+)$', re.MULTILINE)
SCRAPE_S = 10.0
LOOK_S = 0.05


class TwoVersions(Installation):
    """Workers of both versions share the partitions of each domain. Gateway and relay run one version at a time.

    Attributes:
        events: How many events each version has processed, by version and domain.
    """

    def __init__(self, directory: Path, trees: dict[str, Path]) -> None:
        """Create an installation of the sources in `trees`, by version."""
        self.events: Counter[tuple[str, str]] = Counter()
        self._trees = trees
        self._ports: dict[str, int] = {}
        self._gateway_version = self._relay_version = OLD
        super().__init__(directory, start_at=START_US, services=[(version,) for version in VERSIONS])

    def is_ready(self) -> bool:
        expected = dict.fromkeys(TOPOLOGY.names, len(VERSIONS))
        return self._answers() and missing_for_readiness(self.settings, expected) is None

    def start_service(self, domains: Sequence[str], shard: int = 0) -> Child:
        """Start the worker of a version."""
        (version,) = domains
        self._ports[version] = free_port()
        settings = {**self._of(version), "ASTRA_WORKER_PORT": str(self._ports[version]), "ASTRA_SHARD": str(shard)}
        self.services[version] = self.start_worker(program=PROGRAM, **settings)
        return self.services[version]

    def start_relay(self) -> Child:
        self.relay = self.start("relay", "relay", program=PROGRAM, **self._of(self._relay_version))
        return self.relay

    def start_api(self, **settings: str) -> Child:
        self.api = self.start("api", program=GATEWAY, **self._of(self._gateway_version), **settings)
        return self.api

    # --- changes ------------------------------------------------------------------------------------------------------

    async def replace_gateway(self) -> str:
        """Stop the gateway and start the other version; return which."""
        await _stopped(self.api)
        self._gateway_version = _other(self._gateway_version)
        self.start_api()
        return self._gateway_version

    async def replace_relay(self) -> str:
        """Stop the relay and start the other version; return which."""
        await _stopped(self.relay)
        self._relay_version = _other(self._relay_version)
        self.start_relay()
        return self._relay_version

    async def restart_worker(self, version: str, *, killed: bool) -> None:
        """End the worker of a version, which gives its partitions to the other one, and start it again."""
        await self.count_events(version)
        worker = self.services[version]
        if killed:
            worker.kill()
        else:
            await _stopped(worker)
        self.start_service((version,))

    async def count_events(self, version: str) -> None:
        """Add what the worker of a version has processed since it started. Call it once for each process."""
        async with httpx.AsyncClient(timeout=SCRAPE_S, verify=NO_TLS) as client:
            try:
                answer = await client.get(f"http://127.0.0.1:{self._ports[version]}/metrics")
            except httpx.ConnectError:
                return  # it has not opened its port yet, so it has processed nothing
        for domain, events in PROCESSED.findall(answer.text):
            self.events[version, domain] += int(float(events))

    def _of(self, version: str) -> dict[str, str]:
        return {"PYTHONPATH": python_path(self._trees[version])}


async def _stopped(child: Child) -> None:
    """Ask a process to end, and wait for it.

    Raises:
        AssertionError: it did not end by itself in time.
    """
    child.ask()
    end_s = time.monotonic() + TERM_GRACE_S
    while child.exit_code is None:
        assert time.monotonic() < end_s, child.last_words()
        await asyncio.sleep(LOOK_S)


def _other(version: str) -> str:
    return NEW if version == OLD else OLD
