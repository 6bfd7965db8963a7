"""The API process: build the API's configuration from the settings, and run its server."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
from dataclasses import fields
from types import FrameType
from typing import NoReturn

from api.app import create_app
from api.config import ApiConfig
from api.identity.store.revisions import check_schema
from api.kit.context import Api
from api.kit.request_identity import caller, current
from api.limits.caps import Caps
from api.metrics_app import metrics_app
from api.origins import origins_of
from api.server import Server
from deploy.admin.secret import installation_secret
from deploy.broker import log_url
from deploy.rulebook import load_rulebook, public_rules
from deploy.run.behind import behind_by_process
from deploy.run.gc_tuning import SurvivorsExcluded
from deploy.run.logs import NOTHING, Context
from deploy.run.tracing import tracing
from deploy.run.worker_server import listen, serving
from deploy.server.directory_watch import watch_embedded
from deploy.settings import Settings, listed
from streams.spans import Spans

FILES_BESIDE_CONNECTIONS = 200
"""Connections to the broker and to databases, files, listening sockets."""

NOT_STARTED = 3
"""Exit status when the application did not start, as uvicorn's own command has it."""

logger = logging.getLogger(__name__)


def api_config(settings: Settings) -> ApiConfig:
    """Return the API's configuration from the settings and the rule book."""
    rulebook = load_rulebook(settings)
    return ApiConfig(
        sponsor=settings.sink_account,
        log_url=log_url(settings),
        archive=settings.archive_url,
        database_url=settings.identity_url,
        secret=installation_secret(settings),
        namespace=settings.namespace,
        app_id=settings.app_id,
        partitions=settings.partitions,
        rules=public_rules(rulebook),
        rulebook=rulebook.identity,
        idempotency_ttl_s=settings.idempotency_ttl_s,
        behind_max_s=settings.behind_max_s,
        lease_ms=settings.lease_ms,
        heartbeat_ms=settings.heartbeat_ms,
        cors_origins=origins_of(settings.cors_origins),
        hsts_s=settings.hsts_s,
        rate_limit_factor=settings.rate_limit_factor,
        caps=Caps(**{field.name: getattr(settings, field.name) for field in fields(Caps)}),
        trusted_proxies=listed(settings.trusted_proxies),
        forwarded_header=settings.forwarded_header,
        wallets=settings.wallet_config,
        webhooks_private=settings.webhooks_private,
        grafana_url=settings.grafana_url,
    )


def request_context() -> Context:
    """Return what a line of the API is about: the request, its trace and its caller."""
    identity = current.get()
    if identity is None:
        return NOTHING
    fields = {"request_id": identity.request_id, "trace_id": identity.trace_id}
    return Context(fields, caller.get())


def raise_file_limit(connections_max: int) -> None:
    """Let this process open a file for each connection; warn when the system allows fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections_max + FILES_BESIDE_CONNECTIONS
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        logger.warning(
            "the system allows %d open files, which is too few for ASTRA_CONNECTIONS_MAX=%d; raise `ulimit -n` to %d",
            allowed,
            connections_max,
            wanted,
        )


def serve(settings: Settings) -> NoReturn:
    """Serve until SIGTERM or SIGINT, then drain and close open feeds within the grace.

    End by SystemExit: with status 0 after a clean stop, 1 when a second Ctrl-C cut the stop short, 3 when the
    application did not start.
    """
    config = api_config(settings)
    raise_file_limit(config.caps.connections_max)
    asyncio.run(check_schema(config.database_url))  # report in one line; the application would log a traceback
    with tracing(settings, "api") as spans:
        started = _serve(settings, config, spans)
    raise SystemExit(0 if started else NOT_STARTED)


def _serve(settings: Settings, config: ApiConfig, spans: Spans | None) -> bool:
    """Serve until a signal. Return whether the application started."""
    directory = watch_embedded(settings, config.log_url)
    storage_fault = (lambda: None) if directory is None else directory.fault
    app = create_app(config, storage_fault, spans, behind_by_process(settings.data_dir))
    api: Api = app.state.api
    SurvivorsExcluded().install()
    listener = listen(settings.metrics_host, settings.metrics_port, "ASTRA_METRICS_PORT")
    logger.info("metrics at http://%s:%d", *listener.getsockname()[:2])
    server = Server(
        app,
        drain_s=settings.drain_s,
        beside=lambda: serving(listener, metrics_app(api), api.metrics.process),
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
    )
    _end_on_signals(server)
    server.run()
    return server.started


def _end_on_signals(server: Server) -> None:
    """End with a status of ours. After its shutdown, uvicorn raises the signal again for the handler set before."""

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(1 if server.force_exit else 0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
