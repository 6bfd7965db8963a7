"""Register this process among the live services, and renew its lease while it runs.

lease = ServiceLease(log, Service(Kind.RELAY, "relay-1@host"), health, lease_ms=10_000, every_s=2.0)
async with lease.held():
    await work()
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from typing import Any, Final

from faust_redis.log import Log, LogError
from faust_redis.log.services import Services

DISTRIBUTION: Final = "astratrade-streams"
ANYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - addresses that a process listens on, not one to listen on
STOP_S: Final = 2.0
"""How long the last renewal, and the withdrawal after it, may take each."""

logger = logging.getLogger(__name__)


class Kind(StrEnum):
    """What a process does."""

    API = "api"
    WORKER = "worker"
    BRIDGE = "bridge"
    RELAY = "relay"
    CLOCK = "clock"
    WEBHOOKS = "webhooks"
    INDEXER = "indexer"
    SETTLEMENT = "settlement"
    SINK = "sink"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class Service:
    """What a process says of itself once and for all.

    Attributes:
        kind: What it does.
        name: Its name, unique in the installation.
        address: Where it answers probes (host:port); None when it has no port.
        domains: The domains that it runs or serves.
        rulebook: Version and digest of its rule book; None when it has loaded none.
    """

    kind: Kind
    name: str
    address: str | None = None
    domains: tuple[str, ...] = ()
    rulebook: str | None = None


Figures = Callable[[], Mapping[str, Any]]
"""Returns what else a process says of itself at a renewal."""

Health = Callable[[], Awaitable[str | None]]
"""Returns why the process is not ready, or None."""


def name_here(name: str) -> str:
    """Return a name that tells processes of several machines apart: ``worker-1@host``."""
    return f"{name}@{socket.gethostname()}"


def reachable_address(listener: socket.socket) -> str:
    """Return where others reach a listening socket: its address and port, or this machine's name and its port."""
    host, port = listener.getsockname()[:2]
    if host in ANYWHERE:
        host = socket.gethostname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class ServiceLease:
    """The lease of one process in the registry of live services."""

    def __init__(
        self, log: Log, service: Service, health: Health, *, lease_ms: int, every_s: float, figures: Figures = dict
    ) -> None:
        """Prepare the lease.

        Args:
            log: The log whose namespace holds the registry.
            service: What the process says of itself.
            health: Returns why it is not ready; asked at each renewal.
            lease_ms: How long it counts as alive after a renewal.
            every_s: How often it renews its lease.
            figures: Returns what else it says of itself; called at each renewal.
        """
        self._services = Services(log)
        self._service = service
        self._health = health
        self._lease_ms = lease_ms
        self._every_s = every_s
        self._figures = figures
        self._version = version(DISTRIBUTION)
        self._fault: str | None = None

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Renew the lease while the block runs, then withdraw it. An unreachable broker ends neither."""
        stop = asyncio.Event()
        task = asyncio.create_task(self._renew_until(stop), name="service lease")
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait([task], timeout=STOP_S)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with suppress(LogError, TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await self._services.withdraw(self._service.name)

    async def _renew_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._renew()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await stop.wait()

    async def _renew(self) -> None:
        """Renew the lease once. Log a failure when it begins and when it changes: the next renewal may succeed."""
        service = self._service
        try:
            why_not = await self._health()
            description: dict[str, Any] = {
                "kind": service.kind.value,
                "version": self._version,
                "address": service.address,
                "domains": list(service.domains),
                "rulebook": service.rulebook,
                "ready": why_not is None,
                "why_not": why_not,
                **self._figures(),
            }
            await self._services.renew(service.name, description, lease_ms=self._lease_ms)
        except LogError as exc:
            self._note(f"cannot tell the registry of services that this process lives: {exc}")
        except Exception as exc:
            self._note(f"the lease of this process in the registry of services is not renewed: {exc!r}", exc)
        else:
            self._fault = None

    def _note(self, fault: str, exc: Exception | None = None) -> None:
        if fault != self._fault:
            logger.warning(fault, exc_info=exc)
        self._fault = fault
