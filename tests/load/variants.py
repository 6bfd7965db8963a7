"""The variants of the product that a load compares, and their processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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
        settings: Settings of all its processes, beside those of every run.
    """

    name: str
    title: str
    services: Sequence[Sequence[str]]
    settings: Mapping[str, str] = field(default_factory=dict)


VARIANTS: Mapping[str, Variant] = {
    one.name: one
    for one in (
        Variant("together", "one worker for all domains", ALL_TOGETHER),
        Variant("services", "six services", EACH_ALONE),
    )
}


class LoadInstallation(Installation):
    """The processes of a variant, each with a known port for its metrics."""

    def __init__(self, directory: Path, variant: Variant) -> None:
        self.ports: dict[str, int] = {}
        self._variant = variant
        super().__init__(directory, start_at=START_US, services=variant.services)

    def environment(self, **settings: str) -> dict[str, str]:
        return super().environment(**LEASES, **self._variant.settings, **settings)

    def start_service(self, domains: Sequence[str]) -> Child:
        name = service_name(domains)
        self.ports[name] = free_port()
        self.services[name] = self.start_worker(*domains, ASTRA_WORKER_PORT=str(self.ports[name]))
        return self.services[name]

    def pids(self) -> dict[str, int]:
        """Return the process ids of the product by name."""
        services = {name: child.pid for name, child in self.services.items()}
        return {"broker": self.server.pid, "gateway": self.api.pid, "relay": self.relay.pid, **services}


def service_name(domains: Sequence[str]) -> str:
    """Return the name of a worker process: its domain, or `worker` when it runs several."""
    return domains[0] if len(domains) == 1 else "worker"
