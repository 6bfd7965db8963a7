"""The composition root of one domain: build its Faust app from settings, driver, store and agents."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, cast

import faust
from faust import fixups, stores, transport
from faust.auth import Credentials, SASLCredentials, SSLCredentials
from faust_redis import consume_in_append_order, label_member
from faust_redis.hooks import add_hooks
from faust_redis.log.address import split_urls
from mode import Service
from yarl import URL

from agents.registry import register
from agents.rulebook import Rulebook
from deploy.broker import broker_url, log_of
from deploy.run.batch_spans import BatchSpans
from deploy.settings import Settings
from streams.connect.kafka.address import address_of
from streams.connect.kafka.presence import Presence
from streams.events.recent import Recent
from streams.rulebooks import LABEL
from streams.spans import KAFKA, REDIS_STREAMS, Spans
from streams.topics import DEAD_LETTERS
from streams.topology import Topology

STORE = "faust-redis-rocksdb://"
KAFKA_COMMIT_EVERY_S = 0.5  # Faust's own driver commits by the clock; ours commits when events have finished


def build_app(
    settings: Settings, domain: str, slot: str, rulebook: Rulebook, codec: Recent, *, spans: Spans | None = None
) -> faust.App:
    """Return the Faust app of a domain with its agents registered, not started."""
    app = faust.App(
        Topology.group(settings.app_id, domain),
        broker=broker_addresses(settings),
        broker_client_id=slot,
        broker_credentials=kafka_credentials(settings),
        broker_session_timeout=settings.lease_ms / 1000,
        broker_heartbeat_interval=settings.heartbeat_ms / 1000,
        broker_commit_interval=KAFKA_COMMIT_EVERY_S,
        broker_rebalance_timeout=settings.rebalance_ms / 1000,
        store=STORE,
        datadir=domain_directory(settings, slot, domain),
        topic_partitions=settings.partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        table_standby_replicas=settings.standbys,
        reply_create_topic=False,
        web_enabled=False,
        canonical_url=f"http://{slot}.{socket.gethostname()}",
        autodiscover=False,
        worker_redirect_stdouts=False,
    )
    label_member(app, {LABEL: rulebook.identity})
    consume_in_append_order(app)
    observer = (
        None if spans is None else BatchSpans(spans, app.conf.id, system=KAFKA if settings.on_kafka else REDIS_STREAMS)
    )
    if observer is not None:
        add_hooks(app, observer)
    register(app, domain, rulebook, codec, at_least_once=settings.on_kafka, observer=observer)
    return app


def load_plugins(settings: Settings) -> None:
    """Look up Faust's plugins. Its registries fill themselves at the first look-up, and not in a thread-safe way."""
    stores.by_url(STORE)
    transport.by_url(broker_addresses(settings)[0])
    fixups.by_name("django")


def broker_addresses(settings: Settings) -> list[URL]:
    """Return the broker as a list, so that Faust does not split the URL at characters that separate addresses."""
    if settings.on_kafka:
        return [URL(f"kafka://{address_of(broker_url(settings)).bootstrap}")]
    first, *others = (URL(url) for url in split_urls(broker_url(settings)))
    options = {"namespace": settings.namespace, "dead_letters": DEAD_LETTERS}
    if others:
        options["shard"] = str(settings.shard)
    if settings.archive_url is not None:
        options["archive"] = settings.archive_url
    return [first.update_query(options), *others]


def kafka_credentials(settings: Settings) -> Credentials | None:
    """Return how Faust's driver encrypts and authenticates; None on Redis, whose URL says it, and on a plain Kafka."""
    if not settings.on_kafka:
        return None
    kafka = address_of(broker_url(settings))
    if kafka.username is not None:
        return SASLCredentials(
            username=kafka.username,
            password=kafka.password,
            ssl_context=kafka.ssl_context(),
            mechanism=kafka.mechanism,
        )
    context = kafka.ssl_context()
    return None if context is None else SSLCredentials(context)


def slot_directory(settings: Settings, slot: str) -> Path:
    """Return where a worker process keeps its local state."""
    return settings.data_dir / "workers" / slot


def domain_directory(settings: Settings, slot: str, domain: str) -> Path:
    """Return where a worker process keeps the local state of one domain."""
    return slot_directory(settings, slot) / domain


def member_name(settings: Settings, app: faust.App, slot: str) -> str:
    """Return the name under which an app is a member of its group."""
    return f"{slot}@{socket.gethostname()}" if settings.on_kafka else str(cast("Any", app.transport).member)


def presence(settings: Settings, app: faust.App, slot: str) -> list[Service]:
    """Return the service that reports the app's state to the views; none on Redis, where the driver does that."""
    if not settings.on_kafka:
        return []
    log = log_of(settings, owned=False)
    member = member_name(settings, app, slot)
    return [Presence(log, app, member, interval_s=settings.heartbeat_ms / 1000, lease_ms=settings.lease_ms)]
