"""What services with one leader share: an entry in the registry, probes, metrics, and the end at a signal."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from faust_redis.driver.tasks import cancel_and_wait
from faust_redis.log import Log, LogUnavailableError, ResizedError, UnknownTopicError

from deploy.run.service_metrics import ServiceMetrics
from deploy.run.worker_server import application, serving
from deploy.settings import Settings
from streams.services import Kind, Service, ServiceLease, name_here, reachable_address
from streams.topics import CLOCK

LOOK_S: Final = 1.0
"""How often a service looks whether the topics were resized."""

Report = tuple[bool, dict[str, Any]]

logger = logging.getLogger(__name__)


class ServiceHealth:
    """The health of a service's process. It lives while its event loop answers."""

    def __init__(self, report: Callable[[], Report]) -> None:
        """Create it; `report` says whether the service works, and details for a person."""
        self._report = report

    async def live(self) -> Report:
        """Return that the process lives."""
        return True, {"status": "live"}

    async def ready(self) -> Report:
        """Return whether the service works, with its details."""
        return self._report()


def readiness(doing: str, why_not: str | None, **details: Any) -> Report:
    """Return a report: what the service does, or why it waits, after its details."""
    status = {"status": doing} if why_not is None else {"status": "waits", "detail": why_not}
    return why_not is None, details | status


async def run_service(
    settings: Settings,
    log: Log,
    kind: Kind,
    listener: socket.socket,
    *,
    work: Callable[[], Coroutine[Any, Any, None]],
    report: Callable[[], Report],
    metrics: ServiceMetrics,
) -> None:
    """Work until a signal or the end of the work, with probes, metrics and an entry in the registry."""
    lease = _lease_of(settings, log, kind, listener, report)

    async def forward_and_work() -> None:
        async with forwarding(log):
            await work()

    async def serve() -> None:
        async with serving(listener, application(ServiceHealth(report), metrics.text), metrics.process), lease.held():
            logger.info("%s: probes and metrics at http://%s:%d", kind, *listener.getsockname()[:2])
            await while_partitions_stay(log, forward_and_work())

    await run_until_signal(serve())


async def while_partitions_stay(log: Log, work: Coroutine[Any, Any, None]) -> None:
    """Work to its end.

    Raises:
        ResizedError: the topics were resized. The process is started again, and then reads all partitions.
    """
    working, watching = asyncio.create_task(work), asyncio.create_task(_until_resized(log))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
        await working
    finally:
        await cancel_and_wait(watching)
        await cancel_and_wait(working)


async def _until_resized(log: Log) -> None:
    before: int | None = None
    while True:
        with suppress(LogUnavailableError, UnknownTopicError):
            count = (await log.topic(CLOCK, fresh=True)).spec.partitions
            if before is not None and count != before:
                raise ResizedError(f"the topics have {count} partitions now, and {before} when this process started")
            before = count
        await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def forwarding(log: Log) -> AsyncIterator[None]:
    """Take to the other shards what this process writes. A log of one shard has none."""
    async with asyncio.TaskGroup() as forwards:  # an error of one ends the process, which is started again
        tasks = [forwards.create_task(each.run(), name="forward records") for each in log.forwarders()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


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


def _lease_of(
    settings: Settings, log: Log, kind: Kind, listener: socket.socket, report: Callable[[], Report]
) -> ServiceLease:
    """Return the lease by which the registry lists this process, with the reason why it does not work."""

    async def health() -> str | None:
        good, body = report()
        return None if good else body.get("detail", body["status"])

    described = Service(kind, name_here(f"{kind}-{secrets.token_hex(4)}"), address=reachable_address(listener))
    every_s = settings.heartbeat_ms / 1_000
    return ServiceLease(log, described, health, lease_ms=settings.lease_ms, every_s=every_s)
