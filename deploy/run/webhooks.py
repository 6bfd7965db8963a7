"""The webhooks process: post events to partners, serve probes and metrics, and stop at a signal."""

from __future__ import annotations

import asyncio
import secrets
import socket
from typing import Any

import httpx
from faust_redis.log import Log

from api.identity.secret import Seal
from api.identity.store.database import IdentityStore
from api.identity.store.engine import READ_ONLY
from api.identity.store.tables import ACCOUNTS, WEBHOOKS
from api.identity.webhooks import may_see, sealed_name
from api.kit.clock import now
from deploy.admin.secret import installation_secret
from deploy.broker import log_of, log_url
from deploy.run.relay import open_database
from deploy.run.single_service import Report, run_service
from deploy.run.tracing import tracing
from deploy.run.webhook_metrics import WebhookMetrics
from deploy.run.worker_server import listen
from deploy.settings import Settings
from streams.connect.outbox.service import UNAVAILABLE_ERRORS
from streams.connect.webhooks.guard import GuardedTransport
from streams.connect.webhooks.reader import Reader
from streams.connect.webhooks.sender import Sender
from streams.connect.webhooks.service import WebhookService
from streams.connect.webhooks.store import Webhook, WebhookStore
from streams.retry import retry_through_outages
from streams.services import Kind, name_here
from streams.spans import Spans


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
    log_url(settings)  # raise before anything starts
    listener = listen(settings.webhooks_host, settings.webhooks_port, "ASTRA_WEBHOOKS_PORT")
    with tracing(settings, "webhooks") as spans:
        asyncio.run(_run(settings, listener, spans))


async def _run(settings: Settings, listener: socket.socket, spans: Spans | None) -> None:
    store, log = IdentityStore(settings.identity_url), log_of(settings, transit="webhooks")
    transport = GuardedTransport(private=settings.webhooks_private)
    async with httpx.AsyncClient(transport=transport) as client:
        service = service_of(settings, store, log, client, spans)
        metrics = WebhookMetrics(service, spans)

        async def deliver() -> None:
            await open_database(store)
            await retry_through_outages(service.run, "delivering webhooks", UNAVAILABLE_ERRORS)

        try:
            await run_service(
                settings, log, Kind.WEBHOOKS, listener, work=deliver, report=lambda: _report(service), metrics=metrics
            )
        finally:
            await log.close()
            await store.close()


def _report(service: WebhookService) -> Report:
    """Return whether the process reaches database and broker, and whether it posts or waits."""
    if not service.works:
        return False, {"status": "waits for the database or the broker"}
    return True, {"status": "leads" if service.leads else "waits"}
