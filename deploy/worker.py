"""One Faust worker: where settings, driver, store and agents are put together."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import faust
from yarl import URL

from agents.app import register_all
from agents.rulebook import Rulebook
from deploy import logs
from deploy.broker import broker_url
from deploy.errors import DeployError, LockedError
from deploy.locks import FileLock
from deploy.settings import Settings

STORE = "astra-rocksdb://"
SLOTS_MAX = 256


def build_app(settings: Settings, worker_name: str) -> faust.App:
    """The Faust application with all agents registered, not started."""
    app = faust.App(
        settings.app_id,
        broker=broker_addresses(settings),
        broker_client_id=worker_name,
        broker_session_timeout=settings.lease_ms / 1000,
        broker_heartbeat_interval=settings.heartbeat_ms / 1000,
        broker_rebalance_timeout=settings.rebalance_ms / 1000,
        store=STORE,
        datadir=worker_directory(settings, worker_name),
        topic_partitions=settings.partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        table_standby_replicas=0,
        reply_create_topic=False,
        web_enabled=False,
        canonical_url=f"http://{worker_name}.{socket.gethostname()}",
        autodiscover=False,
        worker_redirect_stdouts=False,
    )
    register_all(app, Rulebook())
    return app


def broker_addresses(settings: Settings) -> list[URL]:
    """The broker for Faust: a list, so that nothing in a URL is taken for a separator; with the namespace, if ours."""
    url = URL(broker_url(settings))
    return [url if url.scheme == "kafka" else url.update_query(namespace=settings.namespace)]


def worker_directory(settings: Settings, worker_name: str) -> Path:
    """Where a worker keeps its local state."""
    return settings.data_dir / "workers" / worker_name


def claim_slot(settings: Settings, name: str | None = None) -> tuple[str, FileLock]:
    """The named slot, or the first free `worker-N`, locked until the lock is released or the process ends.

    Raises:
        LockedError: when the named slot is in use, or all are.
    """
    if name is not None:
        lock = FileLock(worker_directory(settings, name) / "lock")
        lock.acquire()
        return name, lock
    for number in range(1, SLOTS_MAX + 1):
        try:
            return claim_slot(settings, f"worker-{number}")
        except LockedError:
            continue
    raise LockedError(f"all {SLOTS_MAX} worker slots of {settings.data_dir} are in use")


def run_worker(settings: Settings, name: str | None = None) -> None:
    """Run a worker until SIGTERM or SIGINT. Ends by SystemExit with the worker's status."""
    slot, lock = claim_slot(settings, name)
    logs.configure(slot, settings.log_level)
    try:
        worker = faust.Worker(
            build_app(settings, slot), override_logging=False, redirect_stdouts=False, loglevel=settings.log_level
        )
        worker.spinner = None
        logging.getLogger(__name__).info("%s starts, application %s", slot, settings.app_id)
        worker.execute_from_commandline()
    except (ImportError, ValueError) as exc:
        raise DeployError(f"the worker cannot be put together: {exc}") from exc
    finally:
        lock.release()
