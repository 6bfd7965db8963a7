"""What the services with one leader share: they run until a signal, and the registry lists them."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from faust_redis.log import Log

from deploy.settings import Settings
from streams.services import Kind, Service, ServiceLease, name_here, reachable_address


async def run_until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end of the work, or cancel it at SIGTERM or SIGINT. Errors of the work pass through.

    Raises:
        RuntimeError: the work was cancelled, and by no signal.
    """
    task = asyncio.create_task(work)
    signals: list[int] = []

    def stop(number: int) -> None:
        signals.append(number)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    try:
        await task
    except asyncio.CancelledError as exc:
        current = asyncio.current_task()
        if current is not None and current.cancelling():
            raise
        if not signals:
            raise RuntimeError("the service's work was cancelled without a signal") from exc


def lease_of(
    settings: Settings, log: Log, kind: Kind, listener: socket.socket, why_not: Callable[[], str | None]
) -> ServiceLease:
    """Return the lease by which the registry lists this process; `why_not` says why it is not ready, or None."""

    async def health() -> str | None:
        return why_not()

    described = Service(kind, name_here(f"{kind}-{secrets.token_hex(4)}"), address=reachable_address(listener))
    every_s = settings.heartbeat_ms / 1_000
    return ServiceLease(log, described, health, lease_ms=settings.lease_ms, every_s=every_s)
