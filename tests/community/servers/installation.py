"""One installation of the community: broker, gateway, relay, and a service process for each domain."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from api import auth
from api.auth import Role
from deploy.run.readiness import missing_for_readiness
from deploy.settings import Settings
from streams.times import Instant
from tables.domains import TOPOLOGY
from tests.community.rulebook import rulebook_text
from tests.community.servers.simulated_clock import VARIABLE, SimulatedClock
from tests.e2e.children import Child
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually

GATEWAY = (sys.executable, "-P", "-m", "tests.community.servers.gateway")
"""A program, not a fork: it replaces the wall clock before it imports the product."""
EACH_ALONE = tuple((name,) for name in TOPOLOGY.names)
"""A process for each domain."""
ALL_TOGETHER = (TOPOLOGY.names,)
"""One process for all domains, each in its thread."""
ON_SHARD = " on "
"""Stands in the name of a service before its shard, unless that is the first."""
START_S = 240.0
"""Eight processes start at once, on machines with two cores."""
TEN_YEARS_MS = 10 * 365 * 86_400_000
TOKEN_TTL_S = 50 * 365 * 86_400
"""Tokens are issued at the simulated time, and their library compares their end with the wall clock."""


class Installation(Pipeline):
    """The processes of one run. `services` has the worker processes by their domains and shard."""

    def __init__(
        self,
        directory: Path,
        *,
        start_at: int,
        partitions: int = 4,
        lease_ms: int = 10_000,
        services: Sequence[Sequence[str]] = EACH_ALONE,
        gateway: bool = True,
        shards: int = 1,
    ) -> None:
        """Create an installation; entering it starts its processes.

        Args:
            directory: Where its data and logs are.
            start_at: The first simulated time.
            partitions: Partitions of each topic.
            lease_ms: How long a silent worker keeps its partitions.
            services: The domains of each worker process.
            gateway: Whether a gateway and a relay run.
            shards: How many brokers share the partitions.
        """
        super().__init__(directory, workers=0, partitions=partitions, api=False, lease_ms=lease_ms, shards=shards)
        self.partitions = partitions
        self._services = services
        self._gateway = gateway
        self.clock = self._clock(directory / "clock", start_at)
        self.services: dict[str, Child] = {}
        self.relay: Child
        self._clock_file = directory / "clock"
        self._rulebook_file = directory / "rulebook.toml"
        self._rulebook_file.write_text(rulebook_text(), encoding="utf-8")

    def _clock(self, path: Path, start_at: int) -> SimulatedClock:
        path.parent.mkdir(parents=True, exist_ok=True)
        clock = SimulatedClock(path, create=True)
        clock.set(start_at)
        return clock

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            if self._gateway:
                self.start_api()
                self.start_relay()
            for domains in self._services:
                for shard in range(len(self.servers)):
                    self.start_service(domains, shard)
            eventually(self._ready_or_ended, within_s=START_S, what="all services are ready")
        except BaseException as exc:
            self.__exit__(type(exc), exc, exc.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)

    def environment(self, **settings: str) -> dict[str, str]:
        """Return a child's environment. Nothing is removed from the log, and no limit stops the community."""
        return super().environment(
            ASTRA_RULEBOOK=str(self._rulebook_file),
            ASTRA_BEHIND_MAX_S="0",
            ASTRA_RATE_LIMIT_FACTOR="10000",
            ASTRA_TRUSTED_PROXIES="127.0.0.0/8",
            ASTRA_RETENTION_MS=str(TEN_YEARS_MS),
            ASTRA_TAIL_MS=str(TEN_YEARS_MS),
            ASTRA_CLOCK_RETENTION_MS=str(TEN_YEARS_MS),
            **{VARIABLE: str(self._clock_file)},
            **settings,
        )

    @property
    def settings(self) -> Settings:
        """Return the settings of the processes, for what the run reads and writes itself."""
        return Settings(
            broker_url=self.broker_url,
            data_dir=self.directory,
            secret=SecretStr(self.secret),
            partitions=self._partitions,
            retention_ms=TEN_YEARS_MS,
            tail_ms=TEN_YEARS_MS,
            clock_retention_ms=TEN_YEARS_MS,
        )

    def is_ready(self) -> bool:
        """Return whether all services have their tables, and the gateway answers if there is one."""
        expected = {domain: len(self.servers) for domains in self._services for domain in domains}
        return (not self._gateway or self._answers()) and missing_for_readiness(self.settings, expected) is None

    def start_service(self, domains: Sequence[str], shard: int = 0) -> Child:
        """Start the worker process of some domains on a shard."""
        name = " ".join(domains) + (f"{ON_SHARD}{shard}" if shard else "")
        self.services[name] = self.start_worker(*domains, ASTRA_SHARD=str(shard))
        return self.services[name]

    def start_relay(self) -> Child:
        """Start the relay."""
        self.relay = self.start("relay", "relay")
        return self.relay

    def start_api(self, **settings: str) -> Child:
        """Start the gateway."""
        self.api = self.start("api", program=GATEWAY, **settings)
        return self.api

    def token(self, role: str, user: str, session_id: str | None = None) -> str:
        """Return a token that is issued at the simulated time."""
        now = Instant(self.clock.now())
        return auth.mint(self.signing_key(), user, Role(role), now=now, ttl_s=TOKEN_TTL_S, session_id=session_id)
