"""The webhooks process: post events to partners, serve probes and metrics, and stop at a signal."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from typing import Any, Final

import httpx
from faust_redis.log import Log

from api.identity.secret import Seal
from api.identity.store.database import IdentityStore
from api.identity.store.engine import READ_ONLY
from api.identity.store.errors import SchemaError, StoreError
from api.identity.store.tables import ACCOUNTS, WEBHOOKS
from api.identity.webhooks import may_see, sealed_name
from api.kit.clock import now
from deploy.admin.secret import installation_secret
from deploy.broker import log_url
from deploy.run.single_service import lease_of, run_until_signal
from deploy.run.tracing import tracing
from deploy.run.webhook_metrics import WebhookMetrics
from deploy.run.worker_server import application, listen, serving
from deploy.settings import Settings
from streams.connect.outbox.service import UNAVAILABLE_ERRORS
from streams.connect.webhooks.guard import GuardedTransport
from streams.connect.webhooks.reader import Reader
from streams.connect.webhooks.sender import Sender
from streams.connect.webhooks.service import WebhookService
from streams.connect.webhooks.store import Webhook, WebhookStore
from streams.retry import retry_through_outages
from streams.services import Kind, ServiceLease, name_here
from streams.spans import Spans

AWAY: Final = "the database or the broker is away"

logger = logging.getLogger(__name__)


class WebhookHealth:
    """The health of the process. It lives while its event loop answers."""

    def __init__(self, service: WebhookService) -> None:
        self._service = service

    async def live(self) -> tuple[bool, dict[str, Any]]:
        """Return that the process lives."""
        return True, {"status": "live"}

    async def ready(self) -> tuple[bool, dict[str, Any]]:
        """Return whether the process reaches database and broker, and whether it posts or waits."""
        if not self._service.works:
            return False, {"status": "waits for the database or the broker"}
        return True, {"status": "leads" if self._service.leads else "waits"}


def webhook_store(store: IdentityStore) -> WebhookStore:
    """Return the webhooks of the database of accounts."""
    on_postgres = store.engine.dialect.name == "postgresql"
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"} if on_postgres else {**READ_ONLY}
    return WebhookStore(store.engine, WEBHOOKS, ACCOUNTS, reading=store.engine.execution_options(**options))


def service_of(
    settings: Settings, store: IdentityStore, log: Log, client: httpx.AsyncClient, spans: Spans | None
) -> WebhookService:
    """Return what delivers the webhooks of an installation."""
    seal, hooks = Seal(installation_secret(settings)), webhook_store(store)

    def secret_of(webhook: Webhook) -> str:
        return seal.open(webhook.sealed_secret, sealed_name(webhook.id)).decode()

    reader, sender = Reader(log, hooks, may_see, now), Sender(hooks, client, secret_of, now, spans)
    return WebhookService(hooks, reader, sender, name_here(f"webhooks-{secrets.token_hex(4)}"), now)


def run_webhooks(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        SchemaError: the database needs another schema.
        BrokerError: no server is configured, and none runs on the data directory.
        SettingsError: the port of probes and metrics is in use.
    """
    url = log_url(settings)
    listener = listen(settings.webhooks_host, settings.webhooks_port, "ASTRA_WEBHOOKS_PORT")
    with tracing(settings, "webhooks") as spans:
        asyncio.run(_run(settings, url, listener, spans))


async def _run(settings: Settings, url: str, listener: socket.socket, spans: Spans | None) -> None:
    store, log = IdentityStore(settings.identity_url), Log(url, settings.namespace, owner=settings.app_id)
    transport = GuardedTransport(private=settings.webhooks_private)
    async with httpx.AsyncClient(transport=transport) as client:
        service = service_of(settings, store, log, client, spans)
        lease, metrics = (
            lease_of(settings, log, Kind.WEBHOOKS, listener, lambda: None if service.works else AWAY),
            WebhookMetrics(service, spans),
        )
        try:
            await run_until_signal(_serve(store, service, metrics, lease, listener))
        finally:
            await log.close()
            await store.close()


async def _serve(
    store: IdentityStore, service: WebhookService, metrics: WebhookMetrics, lease: ServiceLease, listener: socket.socket
) -> None:
    app = application(WebhookHealth(service), metrics.text)
    async with serving(listener, app, metrics.process), lease.held():
        logger.info("webhooks start; probes and metrics at http://%s:%d", *listener.getsockname()[:2])
        await retry_through_outages(lambda: _open(store), "opening the database", UNAVAILABLE_ERRORS)
        await retry_through_outages(service.run, "delivering webhooks", UNAVAILABLE_ERRORS)


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
