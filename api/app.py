"""Build the application: its parts, its routes, and the tasks that run while it serves."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from faust_redis.admin import Admin
from faust_redis.archive import client_of
from faust_redis.log.sharded import open_log
from starlette.types import ASGIApp

from api import domains
from api.config import ApiConfig
from api.cross_origin import allow_origins
from api.identity.private_users import PrivateUsers
from api.identity.routes import (
    account,
    api_keys,
    auth,
    sub_accounts,
    suspension,
    verification,
    wallets,
    webhooks,
)
from api.identity.service import Identity
from api.identity.sign_in import SignIn
from api.identity.store.database import IdentityStore
from api.identity.wallets.prover import Prover
from api.identity.wallets.service import WalletSignIn
from api.kit import handlers, openapi
from api.kit.acknowledged import Acknowledgements
from api.kit.background import BackgroundTasks
from api.kit.broker_watch import BrokerWatch, StorageFault
from api.kit.clock import now
from api.kit.commands.admission import Admission
from api.kit.commands.writer import Writer
from api.kit.context import Api
from api.kit.domain import DomainApi
from api.kit.effects import Effects
from api.kit.feeds.hub import Hub
from api.kit.feeds.tickets import RedeemTickets, Tickets
from api.kit.lifecycle import Lifecycle
from api.kit.pipeline import Pipeline
from api.kit.request_identity import NameRequests
from api.kit.sealing import Sealer
from api.kit.tracing import Deliveries, TraceRequests
from api.kit.waiting import Waiter
from api.limits import policies
from api.limits.client_address import ClientAddresses
from api.limits.limiter import Limiter
from api.limits.middleware import LimitRate
from api.limits.slots import feed_slots, socket_slots
from api.metrics import Metrics
from api.middleware import LimitBody, Observe
from api.operators import decisions
from api.operators.searches import Behind, Searches
from api.permissions import Permissions, routes_of
from api.routes import all_routes
from api.security_headers import SecurityHeaders
from streams.rulebooks import RulebookWatch
from streams.services import Kind, Service, ServiceLease, name_here
from streams.spans import Spans
from tables.domains import TOPOLOGY
from tables.reader import TableReader

TITLE = "AstraTrade Streams"
VERSION = "1"
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI would look for OpenTelemetry's providers in each request. `api.kit.request_identity` carries the trace."""
READ_BODIES = (auth, account, api_keys, sub_accounts, suspension, verification, wallets, webhooks, decisions)
"""The modules with routes that read their bodies themselves."""


def create_app(
    config: ApiConfig,
    storage_fault: StorageFault = lambda: None,
    spans: Spans | None = None,
    behind: Behind | None = None,
) -> FastAPI:
    """Return the API as an ASGI application; it connects when it starts.

    Args:
        config: The configuration.
        storage_fault: Returns why the broker keeps nothing although it answers, or None. It is called each second.
        spans: Where the process records its spans; None without traces.
        behind: Finds the events behind a row; without it that query answers 503.
    """
    served = domains.load(TOPOLOGY)
    api = _api(config, served, storage_fault, spans, Searches(behind))
    app = _Application(
        title=TITLE, version=VERSION, lifespan=_lifespan, docs_url=None, redoc_url=None, telemetry=NO_TELEMETRY
    )
    app.state.api = api
    app.state.spans = spans
    app.router.routes[:0] = all_routes()
    api.permissions.check_complete(app)
    policies.check_used(routes_of(app.routes))
    handlers.install(app)
    commands = [command for domain in served for command in domain.commands.values()]
    bodies = [command.body for command in commands if command.body is not None]
    bodies += [body for domain in served for body in domain.bodies]
    tags = [{"name": domain.title, "description": domain.description} for domain in served]
    bodies += [body for module in READ_BODIES for body in module.BODIES]
    openapi.install(app, bodies, tags, api.permissions)
    app.add_middleware(LimitBody)
    app.add_middleware(LimitRate, api=api)
    app.add_middleware(RedeemTickets, tickets=api.tickets)
    allow_origins(app, config.cors_origins)
    return app


class _Application(FastAPI):
    """The application with what must see every answer outside of Starlette's own handling of errors."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the whole application, so that answers with status 500 are counted and get their headers, too."""
        api: Api = self.state.api
        answered = SecurityHeaders(super().build_middleware_stack(), api.config.hsts_s)
        observed = Observe(answered, api.metrics)
        spans: Spans | None = self.state.spans
        if spans is None:
            return NameRequests(observed)
        return NameRequests(TraceRequests(observed, spans), spans.samples)


def _api(
    config: ApiConfig,
    served: Sequence[DomainApi],
    storage_fault: StorageFault,
    spans: Spans | None,
    searches: Searches,
) -> Api:
    log = open_log(
        config.log_url, config.namespace, owner=config.app_id, client=client_of(config.archive, compacted=True)
    )
    tables = TableReader(log, config.app_id)
    groups = list(TOPOLOGY.groups(config.app_id).values())
    metrics = Metrics(spans)
    broker = BrokerWatch(log, storage_fault)
    identity = Identity(IdentityStore(config.database_url, spans), config.secret, now)
    feeds = [feed for domain in served for feed in domain.feeds]
    log_of_feeds = open_log(config.log_url, config.namespace, client=client_of(config.archive))
    admission = Admission(domains.policies(TOPOLOGY, served), config.behind_max_s)
    sealer = Sealer(config.secret)
    sign_in = SignIn(identity.store, identity.passwords, identity.sessions, now)
    return Api(
        config=config,
        identity=identity,
        sign_in=sign_in,
        wallets=WalletSignIn(sign_in, Prover(config.wallets), now),
        addresses=ClientAddresses(config.trusted_proxies, config.forwarded_header),
        store=identity.store,
        private_users=PrivateUsers(identity.store, now),
        sealer=sealer,
        tickets=Tickets(log, sealer),
        permissions=Permissions(domain.permissions for domain in served),
        limiter=Limiter(log, metrics, config.rate_limit_factor),
        feed_slots=feed_slots(config.caps),
        socket_slots=socket_slots(),
        log=log,
        broker=broker,
        lifecycle=Lifecycle(),
        background=BackgroundTasks(),
        admission=admission,
        pipeline=Pipeline(log, TOPOLOGY, config.app_id, admission),
        rulebooks=RulebookWatch(Admin(log), groups, config.rulebook),
        tables=tables,
        writer=Writer(log, config, broker, Acknowledgements(log, metrics.acknowledged_lost), spans=spans),
        waiter=Waiter(log, tables, TOPOLOGY, config.app_id),
        effects=Effects(log, TOPOLOGY, config.app_id, metrics),
        hub=Hub(
            log_of_feeds, config.app_id, metrics, feeds, sealer, deliveries=None if spans is None else Deliveries(spans)
        ),
        metrics=metrics,
        searches=searches,
        parts={part: part(tables, config) for domain in served for part in domain.parts},
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Refuse an unsuitable database or broker, run the background tasks while the API serves, then close everything."""
    api: Api = app.state.api
    async with AsyncExitStack() as closing:  # closes the rest also when closing one part fails
        closing.push_async_callback(api.identity.close)
        closing.push_async_callback(api.wallets.close)
        closing.push_async_callback(api.log.close)
        await api.identity.begin()
        await api.private_users.refresh()
        await api.broker.begin()
        closing.push_async_callback(api.hub.close)
        closing.push_async_callback(api.background.stop)
        api.background.start(api.waiter.run(), "waiter")
        api.background.start(api.effects.run(), "effects of commands")
        api.background.start(api.broker.run(), "broker watch")
        api.background.start(api.writer.acknowledged.run(), "acknowledged events")
        api.background.start(api.pipeline.run(), "pipeline samples")
        api.background.start(api.rulebooks.run(), "rule books")
        for name, task in api.identity.tasks().items():
            api.background.start(task, name)
        api.background.start(api.limiter.run(), "rate limits")
        api.background.start(api.private_users.run(), "private users")
        api.background.start(_hold_lease(api), "service lease")
        api.hub.start(api.background)
        yield


async def _hold_lease(api: Api) -> None:
    """Tell the registry of live services of this process, from the moment when it listens until cancelled."""

    async def why_not() -> str | None:
        return api.why_not_ready()

    await api.lifecycle.listening.wait()
    service = Service(
        Kind.API,
        name_here(f"api-{secrets.token_hex(4)}"),
        address=api.lifecycle.address,
        domains=TOPOLOGY.names,
        rulebook=api.config.rulebook,
    )
    config = api.config
    every_s = config.heartbeat_ms / 1_000
    async with ServiceLease(api.log, service, why_not, lease_ms=config.lease_ms, every_s=every_s).held():
        await asyncio.Event().wait()
