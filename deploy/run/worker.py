"""One Faust worker: where settings, driver, store and agents are put together."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import faust
import uvloop
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.log import Log, TopicSpec
from yarl import URL

from agents.app import register_all
from agents.rulebook import Rulebook
from deploy.broker import broker_url, log_url
from deploy.errors import LockedError
from deploy.rulebook import load_rulebook
from deploy.run import logs
from deploy.run.gc_tuning import relax_collector
from deploy.server.locks import FileLock
from deploy.settings import Settings
from streams.connect.kafka.broker import bootstrap_of
from streams.connect.kafka.broker import create_topics as create_kafka_topics
from streams.connect.kafka.presence import Presence
from streams.connect.kafka.retry import retry_while_unavailable as persist_on_kafka
from streams.topics import DEAD_LETTERS
from tables.domains import TOPOLOGY

STORE = "faust-redis-rocksdb://"
SLOTS_MAX = 256
KAFKA_COMMIT_EVERY_S = 0.5  # our driver commits when there is something to commit; Faust's own by the clock

logger = logging.getLogger(__name__)


def build_app(settings: Settings, worker_name: str, rulebook: Rulebook) -> faust.App:
    """The Faust application with all agents registered, not started."""
    app = faust.App(
        settings.app_id,
        broker=broker_addresses(settings),
        broker_client_id=worker_name,
        broker_session_timeout=settings.lease_ms / 1000,
        broker_heartbeat_interval=settings.heartbeat_ms / 1000,
        broker_commit_interval=KAFKA_COMMIT_EVERY_S,
        broker_rebalance_timeout=settings.rebalance_ms / 1000,
        store=STORE,
        datadir=worker_directory(settings, worker_name),
        topic_partitions=settings.partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        table_standby_replicas=settings.standbys,
        reply_create_topic=False,
        web_enabled=False,
        canonical_url=f"http://{worker_name}.{socket.gethostname()}",
        autodiscover=False,
        worker_redirect_stdouts=False,
    )
    register_all(app, rulebook)
    return app


def broker_addresses(settings: Settings) -> list[URL]:
    """The broker for Faust: a list, so that nothing in a URL is taken for a separator; with the namespace, if ours."""
    url = URL(broker_url(settings))
    return [url if url.scheme == "kafka" else url.update_query(namespace=settings.namespace, dead_letters=DEAD_LETTERS)]


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


async def create_topics(settings: Settings) -> None:
    """Create every topic as it is declared, so that compacted and ranked ones are kept as such from the first record.

    Waits for a broker that is away.

    Raises:
        TopicMismatchError: when one exists with another number of partitions.
    """
    url = broker_url(settings)
    specs = (
        *TOPOLOGY.topic_specs(settings.partitions, settings.retention_ms),
        *TOPOLOGY.changelog_specs(settings.app_id, settings.partitions, settings.tail_ms),
    )
    if settings.on_kafka:
        await persist_on_kafka(lambda: create_kafka_topics(bootstrap_of(url), specs), "start", once=True)
        return
    await retry_while_unavailable(lambda: _create(Log(url, settings.namespace, owner=settings.app_id), specs), "start")


async def _create(client: Log, specs: Sequence[TopicSpec]) -> None:
    async with client as log:
        for spec in specs:
            await log.create_topic(spec)


def presence(settings: Settings, app: faust.App, slot: str) -> list[Presence]:
    """What tells of this worker where the views are; only on Kafka, where the driver does not."""
    if not settings.on_kafka:
        return []
    log = Log(log_url(settings), settings.namespace)
    member = f"{slot}@{socket.gethostname()}"
    return [Presence(log, app, member, interval_s=settings.heartbeat_ms / 1000, lease_ms=settings.lease_ms)]


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    """Nothing has begun that would have to be finished."""
    raise SystemExit(0)


def run_worker(settings: Settings, name: str | None = None) -> NoReturn:
    """Run a worker until SIGTERM or SIGINT. Ends by SystemExit with the worker's status.

    Raises:
        SettingsError: when the rule book is not valid.
        LockedError: when its slot is in use.
        LogError: when the broker is not suitable.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)  # until Faust's worker takes them over
    rulebook = load_rulebook(settings)
    slot, lock = claim_slot(settings, name)
    logs.configure(slot, settings.log_level)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(create_topics(settings))
        app = build_app(settings, slot, rulebook)
        worker = faust.Worker(
            app,
            *presence(settings, app, slot),
            loop=loop,
            loglevel=settings.log_level,
            override_logging=False,
            redirect_stdouts=False,
        )
        worker.spinner = None
        relax_collector()
        logger.info("%s of application %s starts", slot, settings.app_id)
        worker.execute_from_commandline()
    finally:
        lock.release()
