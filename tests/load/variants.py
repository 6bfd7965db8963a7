"""The variants of the product that a load compares, and their processes."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from deploy.settings import Settings
from tests.community.behaviour.life import START_US
from tests.community.servers.installation import ALL_TOGETHER, EACH_ALONE, Installation
from tests.e2e.children import Child
from tests.ports import free_port

LEASES = {f"ASTRA_{name.upper()}": str(Settings.model_fields[name].default) for name in ("lease_ms", "heartbeat_ms")}
"""The product's own, instead of the short ones of tests: each heartbeat of each domain costs CPU."""


@dataclass(frozen=True, slots=True)
class Variant:
    """How the product runs.

    Attributes:
        services: The domains of each worker process.
        traced: The share of requests that are traced; 0 leaves tracing off.
    """

    name: str
    title: str
    services: Sequence[Sequence[str]]
    traced: float = 0.0


VARIANTS: Mapping[str, Variant] = {
    one.name: one
    for one in (
        Variant("together", "one worker for all domains", ALL_TOGETHER),
        Variant("services", "six services", EACH_ALONE),
        Variant("together-traced", "one worker, 1 % traced", ALL_TOGETHER, 0.01),
        Variant("services-traced", "six services, 1 % traced", EACH_ALONE, 0.01),
        Variant("services-traced-all", "six services, all traced", EACH_ALONE, 1.0),
    )
}


class Collected(NamedTuple):
    """What the collector of traces got."""

    requests: int
    bytes: int


class LoadInstallation(Installation):
    """The processes of a variant, each with a known port for its metrics."""

    def __init__(self, directory: Path, variant: Variant) -> None:
        self.ports: dict[str, int] = {}
        self._variant = variant
        self._collector: Child | None = None
        self._collector_port = free_port()
        super().__init__(directory, start_at=START_US, services=variant.services)

    def environment(self, **settings: str) -> dict[str, str]:
        traced = {
            "ASTRA_TRACE_SAMPLE": str(self._variant.traced),
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._collector_port}",
        }
        return super().environment(**LEASES, **(traced if self._variant.traced else {}), **settings)

    def start_api(self, **settings: str) -> Child:
        if self._variant.traced:
            program = (sys.executable, "-P", "-m", "tests.load.collector")
            self._collector = self.start("collector", str(self._collector_port), program=program)
        return super().start_api(**settings)

    def collected(self) -> Collected | None:
        """Return what the collector of traces got; None without tracing."""
        if self._collector is None:
            return None
        return Collected(*map(int, (self._collector.output().splitlines() or ["0 0"])[-1].split()))

    def start_service(self, domains: Sequence[str], shard: int = 0) -> Child:
        name = service_name(domains)
        self.ports[name] = free_port()
        port = str(self.ports[name])
        self.services[name] = self.start_worker(*domains, ASTRA_WORKER_PORT=port, ASTRA_SHARD=str(shard))
        return self.services[name]

    def pids(self) -> dict[str, int]:
        """Return the process ids of the product by name."""
        services = {name: child.pid for name, child in self.services.items()}
        collector = {"collector": self._collector.pid} if self._collector is not None else {}
        return {"broker": self.server.pid, "gateway": self.api.pid, "relay": self.relay.pid, **services, **collector}


def service_name(domains: Sequence[str]) -> str:
    """Return the name of a worker process: its domain, or `worker` when it runs several."""
    return domains[0] if len(domains) == 1 else "worker"
