"""The archiver's process: move records to the archive, serve probes and metrics, and stop at a signal."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from faust_redis.archive.archiver import Archiver
from faust_redis.archive.service import ArchiveService
from faust_redis.archive.storage import Storage
from faust_redis.archive.upkeep import Upkeep
from faust_redis.log import Log, LogError
from faust_redis.log.archived import ArchiverLease
from faust_redis.log.sharded import open_log

from deploy.broker import log_url
from deploy.errors import SettingsError
from deploy.run.archive_metrics import ArchiveMetrics
from deploy.run.single_service import Report, readiness, run_service
from deploy.run.worker_server import listen
from deploy.settings import Settings
from streams.retry import retry_through_outages
from streams.services import Kind, name_here

RELEASE_S: Final = 1.0
"""How long the end of the lease may take. Without it the next archiver waits until the lease is over."""


def storage_of(settings: Settings) -> Storage:
    """Return the place of the archive.

    Raises:
        SettingsError: there is none, or its URL cannot be used.
    """
    url = settings.archive_url
    if url is None:
        raise SettingsError("set ASTRA_ARCHIVE to where records are archived: a directory, s3:// or gs://")
    try:
        return Storage(url)
    except ValueError as exc:
        raise SettingsError(f"ASTRA_ARCHIVE cannot be used: {exc}") from exc


def run_archive(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        BrokerError: no server is configured, and none runs on the data directory.
        SettingsError: there is no archive, or the port of probes and metrics is in use.
    """
    if settings.on_kafka:
        raise SettingsError("the events of this installation are on Kafka, whose brokers have an archive of their own")
    storage, url = storage_of(settings), log_url(settings)
    listener = listen(settings.archive_host, settings.archive_port, "ASTRA_ARCHIVE_PORT")
    asyncio.run(_run(settings, storage, url, listener))


async def _run(settings: Settings, storage: Storage, url: str, listener: socket.socket) -> None:
    log = open_log(url, settings.namespace, owner=settings.app_id)
    services = [_service(settings, storage, shard) for shard in log.shards]

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            for service in services:
                group.create_task(retry_through_outages(service.run, "archiving", (LogError, OSError)))

    try:
        await run_service(
            settings,
            log,
            Kind.ARCHIVE,
            listener,
            work=work,
            report=lambda: _report(services),
            metrics=ArchiveMetrics(services),
        )
    finally:
        with suppress(LogError, TimeoutError):
            async with asyncio.timeout(RELEASE_S):
                await asyncio.gather(*(service.stop() for service in services))
        await log.close()


def _service(settings: Settings, storage: Storage, shard: Log) -> ArchiveService:
    """Return what archives one shard. Each shard has a lease and an archive of its own."""
    archiver = Archiver(shard, storage)
    return ArchiveService(
        archiver,
        Upkeep(archiver, settings.archive_retention_ms),
        ArchiverLease(shard, name_here(f"archive-{secrets.token_hex(4)}"), settings.lease_ms),
        interval_s=settings.archive_interval_s,
        renew_s=settings.heartbeat_ms / 1000,
    )


def _report(services: Sequence[ArchiveService]) -> Report:
    states = [service.state for service in services]
    faults = [f"{tp.topic}:{tp.partition}: {why}" for state in states for tp, why in sorted(state.faults.items())]
    trouble = next((why for why in [*(state.trouble for state in states), *faults] if why is not None), None)
    holder = next((state.holder for state in states if not state.leads), None)
    return readiness(
        "archives" if any(state.leads for state in states) else f"waits for {holder}",
        trouble,
        records=sum(state.records for state in states),
        files=sum(state.files for state in states),
        lag_s=round(max(service.lag_s() for service in services), 1),
    )
