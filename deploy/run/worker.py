"""Run one worker process: lock a slot, create the topics, and start a thread for each domain."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from types import FrameType
from typing import NoReturn

import faust
from faust_redis.admin import Admin
from faust_redis.depths import Depths, depths_of
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.driver.tasks import cancel_and_wait
from faust_redis.hooks import add_hooks
from faust_redis.log import Log, TopicSpec
from mode.types import ServiceT

from agents.rulebook import Rulebook
from deploy.broker import broker_url, log_of, own_shard
from deploy.committed_rows import watermarks_of
from deploy.declared_topics import changelog_topics, event_topics, present
from deploy.errors import LockedError
from deploy.financial_metrics import last_audits
from deploy.local_state import state_sizes
from deploy.rulebook import load_rulebook
from deploy.run import logs
from deploy.run.commit_rates import CommitRates
from deploy.run.domain_app import build_app, load_plugins, member_name, presence, slot_directory
from deploy.run.domain_thread import DomainThread
from deploy.run.gc_tuning import relax_collector
from deploy.run.kafka_metrics import observe_on_kafka
from deploy.run.log_context import WorkerContext
from deploy.run.members import Members
from deploy.run.tracing import tracing
from deploy.run.worker_health import Health
from deploy.run.worker_metrics import WorkerMetrics
from deploy.run.worker_server import application, listen, serving
from deploy.server.locks import FileLock
from deploy.settings import Settings
from streams.connect.kafka.address import address_of
from streams.connect.kafka.broker import create_topics as create_kafka_topics
from streams.connect.kafka.retry import retry_through_kafka_outages
from streams.events.recent import Recent
from streams.rulebooks import RulebookWatch
from streams.services import Kind, Service, ServiceLease, name_here, reachable_address
from streams.spans import Spans
from tables.domains import TOPOLOGY

SLOTS_MAX = 256
GRACE_S = 17.0
"""How long the domains together may take to stop; `dev` kills a worker after 20 s."""

logger = logging.getLogger(__name__)


def claim_slot(settings: Settings, name: str | None = None) -> tuple[str, FileLock]:
    """Lock the named slot, or the first free `worker-N`, until the lock is released or the process ends.

    Raises:
        LockedError: when the named slot is in use, or all are.
    """
    if name is not None:
        lock = FileLock(slot_directory(settings, name) / "lock")
        lock.acquire()
        return name, lock
    for number in range(1, SLOTS_MAX + 1):
        try:
            return claim_slot(settings, f"worker-{number}")
        except LockedError:
            continue
    raise LockedError(f"all {SLOTS_MAX} worker slots of {settings.data_dir} are in use")


async def create_topics(settings: Settings) -> Settings:
    """Create every topic as declared, so that compacted and ranked topics are maintained from the first record.

    Wait while the broker is away. Return the settings with as many partitions as the topics have.

    Raises:
        TopicMismatchError: when a topic exists with another cleanup policy, or on Kafka with other partitions.
    """
    if settings.on_kafka:
        url, specs = address_of(broker_url(settings)), _specs(settings)
        await retry_through_kafka_outages(lambda: create_kafka_topics(url, specs), "start")
        return settings
    return await retry_while_unavailable(lambda: _create(own_shard(settings), settings), "start")


async def _create(client: Log, settings: Settings) -> Settings:
    async with client as log:
        settings = await present(log, settings)
        for spec in _specs(settings):
            await log.create_topic(spec)
    return settings


def _specs(settings: Settings) -> Sequence[TopicSpec]:
    return (*event_topics(settings).values(), *changelog_topics(settings))


def run_worker(settings: Settings, domains: Sequence[str] = (), name: str | None = None) -> NoReturn:
    """Run domains until SIGTERM or SIGINT. End by SystemExit, with status 0 when all domains stopped in time.

    Args:
        settings: The settings.
        domains: Names of the domains to run; all when empty.
        name: The slot; the first free one when None.

    Raises:
        SettingsError: when the rule book is not valid.
        LockedError: when the slot is in use.
        LogError: when the broker is not suitable.
    """
    _on_signals(_end)
    rulebook = load_rulebook(settings)
    slot, lock = claim_slot(settings, name)
    threading.current_thread().name = slot
    logs.configure(settings, "worker", context=WorkerContext(slot, settings.app_id), process="%(threadName)s")
    listener = listen(settings.worker_host, settings.worker_port)
    settings = asyncio.run(create_topics(settings))
    load_plugins(settings)
    relax_collector()
    with tracing(settings, "worker") as spans:
        asyncio.run(Worker(settings, domains or TOPOLOGY.names, slot, rulebook, spans).run(listener))
    lock.release()
    raise SystemExit(0)


class Worker:
    """The domains of one process, each in a thread, and the probes and metrics that the main thread serves."""

    def __init__(
        self, settings: Settings, domains: Iterable[str], slot: str, rulebook: Rulebook, spans: Spans | None = None
    ) -> None:
        self._settings = settings
        self._spans = spans
        self._slot = slot
        self._rulebook = rulebook
        domains = tuple(domains)
        self._codec = Recent(classes=())  # a domain need not decode events that another domain of this process encoded
        self._apps: dict[str, faust.App] = {}
        self._metrics = WorkerMetrics(
            self._depths,
            lambda: last_audits(self._apps.values()),
            lambda: state_sizes(self._apps),
            spans,
            watermarks=lambda: watermarks_of(self._apps.values()),
            cpu=lambda: [(thread.domain, thread.cpu_s) for thread in self._threads],
        )
        process = self._metrics.process
        self._threads = [
            DomainThread(slot, domain, partial(self._services, domain), self._prepare, process.of_loop(domain))
            for domain in domains
        ]

    async def run(self, listener: socket.socket) -> None:
        """Run the domains until SIGTERM or SIGINT; serve probes and metrics on `listener` meanwhile."""
        stop_requested = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop_requested.set)
        log = log_of(self._settings, owned=False)
        own = own_shard(self._settings)
        admin = Admin(log)
        groups = list(TOPOLOGY.groups(self._settings.app_id).values())
        rulebooks = asyncio.create_task(RulebookWatch(admin, groups, self._rulebook.identity).run(), name="rule books")
        try:
            members = Members(Admin(own), self._settings, self._slot, self._apps)
            health = Health(self._threads, members.states, self._settings.rebalance_ms / 1000)
            lease = self._lease(log, health, listener)
            app = application(health, self._metrics.text)
            async with serving(listener, app, self._metrics.process), lease.held():
                for thread in self._threads:
                    thread.start()
                self._say_started(listener)
                await stop_requested.wait()
                health.stopping = True
                await asyncio.to_thread(_stop, self._threads)
        finally:
            await cancel_and_wait(rulebooks)
            await log.close()
            await own.close()

    def _lease(self, log: Log, health: Health, listener: socket.socket) -> ServiceLease:
        service = Service(
            Kind.WORKER,
            name_here(self._slot),
            address=reachable_address(listener),
            domains=tuple(thread.domain for thread in self._threads),
            rulebook=self._rulebook.identity,
        )
        settings = self._settings
        every_s = settings.heartbeat_ms / 1_000
        commits = CommitRates(self._metrics.commit_seconds)
        return ServiceLease(
            log,
            service,
            health.why_not_ready,
            lease_ms=settings.lease_ms,
            every_s=every_s,
            figures=commits.described,
        )

    async def _prepare(self) -> None:
        """Create the topics that a flush of the broker removed, before an app creates them without their views.

        The app gets as many partitions as the log has now.
        """
        if not self._settings.on_kafka:
            self._settings = await create_topics(self._settings)

    def _services(self, domain: str) -> list[ServiceT]:
        app = build_app(self._settings, domain, self._slot, self._rulebook, self._codec, spans=self._spans)
        app.on_startup_finished = lambda: _say_ready(domain)
        if self._settings.on_kafka:
            observe_on_kafka(app, self._metrics, domain)
        else:
            add_hooks(app, self._metrics.hooks(domain))
        # Build the transport and the driver here: a probe or a scrape of the main thread must not build them at the
        # same time.
        member_name(self._settings, app, self._slot)
        depths_of(app)
        last_audits([app])
        watermarks_of([app])
        self._apps[domain] = app
        return [*presence(self._settings, app, self._slot), app]

    def _depths(self) -> Iterator[tuple[str, Depths]]:
        for domain, app in list(self._apps.items()):
            depths = depths_of(app)
            if depths is not None:
                yield domain, depths

    def _say_started(self, listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        logger.info(
            "%s of application %s runs %s; probes and metrics at http://%s:%d",
            self._slot, self._settings.app_id, ", ".join(thread.domain for thread in self._threads), host, port,
        )  # fmt: skip


async def _say_ready(domain: str) -> None:
    logger.info("domain %s is ready", domain)


def _stop(threads: Sequence[DomainThread]) -> None:
    """Stop all domains. When a domain does not stop, end the process, because Python cannot end its thread."""
    deadline = time.monotonic() + GRACE_S
    for thread in threads:
        thread.ask()
    stuck = [thread.domain for thread in threads if not thread.ended(max(0.0, deadline - time.monotonic()))]
    if stuck:
        logger.error("%s did not stop within %g s; ending the process", ", ".join(stuck), GRACE_S)
        sys.stderr.flush()
        os._exit(1)


def _on_signals(handler: Callable[[int, FrameType | None], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    """End the process at once. No work has begun yet that must finish.

    An exception would be lost when the signal comes while Python runs a `__del__`.
    """
    os._exit(0)
