"""The relay process: publish the outbox of the database of accounts, serve probes and metrics, and stop at a signal."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from faust_redis.log import TopicSpec

from api.identity.store.database import IdentityStore
from api.identity.store.engine import READ_ONLY
from api.identity.store.errors import SchemaError, StoreError
from api.identity.store.tables import OUTBOX
from api.kit.clock import now
from deploy.broker import log_of, log_url
from deploy.declared_topics import event_topics
from deploy.run.relay_metrics import RelayMetrics
from deploy.run.single_service import Report, readiness, run_service
from deploy.run.tracing import tracing
from deploy.run.worker_server import listen
from deploy.settings import Settings
from streams.connect.outbox.errors import UndeclaredTopicError
from streams.connect.outbox.relay import Relay
from streams.connect.outbox.service import UNAVAILABLE_ERRORS, RelayService
from streams.connect.outbox.source import OutboxSource
from streams.retry import retry_through_outages
from streams.services import Kind
from streams.spans import Spans
from streams.topology import Topology
from tables.domains import TOPOLOGY


def source_of(store: IdentityStore) -> OutboxSource:
    """Return the outbox of the database of accounts."""
    on_postgres = store.engine.dialect.name == "postgresql"
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"} if on_postgres else {**READ_ONLY}
    return OutboxSource(store.engine, OUTBOX, reading=store.engine.execution_options(**options))


def declared_by(topology: Topology, settings: Settings) -> Callable[[str], TopicSpec]:
    """Return a function that returns a topic's declaration, and raises UndeclaredTopicError for any other topic."""
    known = event_topics(settings, topology)

    def spec_of(topic: str) -> TopicSpec:
        if topic not in known:
            raise UndeclaredTopicError(
                f"the outbox has an event of the topic {topic!r}, which the topology does not declare: a newer version "
                "of the API may have written it. Run the relay of that version."
            )
        return known[topic]

    return spec_of


def run_relay(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        OutboxError: database and log do not belong together.
        SchemaError: the database needs another schema.
        BrokerError: no server is configured, and none runs on the data directory.
        SettingsError: the port of probes and metrics is in use.
    """
    log_url(settings)  # raise before anything starts
    listener = listen(settings.relay_host, settings.relay_port, "ASTRA_RELAY_PORT")
    with tracing(settings, "relay") as spans:
        asyncio.run(_run(settings, listener, spans))


async def _run(settings: Settings, listener: socket.socket, spans: Spans | None) -> None:
    store, log = IdentityStore(settings.identity_url), log_of(settings, transit="relay")
    source = source_of(store)
    relay = Relay(log, source, declared_by(TOPOLOGY, settings), spans)
    service = RelayService(relay, source, settings.outbox_retention_days, now)
    metrics = RelayMetrics(service, spans)

    async def publish() -> None:
        await open_database(store)
        await service.run()

    try:
        await run_service(
            settings, log, Kind.RELAY, listener, work=publish, report=lambda: _report(service), metrics=metrics
        )
    finally:
        await log.close()
        await store.close()


def _report(service: RelayService) -> Report:
    why_not = None if service.is_publishing else service.trouble
    behind_s = round(service.behind_s(), 3)
    return readiness("publishing", why_not, events_behind=service.backlog.rows, seconds_behind=behind_s)


async def open_database(store: IdentityStore) -> None:
    """Wait until the database of accounts can be used.

    Raises:
        SchemaError: the database needs another schema.
    """
    await retry_through_outages(lambda: _open(store), "opening the database", UNAVAILABLE_ERRORS)


async def _open(store: IdentityStore) -> None:
    """Check the schema.

    Raises:
        SchemaError: the database needs another schema.
        OSError: the database is away.
    """
    try:
        await store.open()
    except SchemaError:
        raise
    except (StoreError, *UNAVAILABLE_ERRORS) as exc:
        raise ConnectionError(str(exc)) from exc
