"""The API process: build the API's configuration from the settings, and run its server."""

from __future__ import annotations

import gc

from api.app import create_app
from api.config import ApiConfig
from api.server import Server
from deploy.admin.secret import signing_secret
from deploy.broker import log_url
from deploy.rulebook import load_rulebook
from deploy.settings import Settings


def api_config(settings: Settings) -> ApiConfig:
    """Return the API's configuration from the settings and the rule book."""
    rulebook = load_rulebook(settings)
    return ApiConfig(
        log_url=log_url(settings),
        jwt_secret=signing_secret(settings),
        markets=rulebook.trading.markets,
        namespace=settings.namespace,
        app_id=settings.app_id,
        partitions=settings.partitions,
        late_grace_h=rulebook.gamification.boards.late_grace_h,
        rules_version=rulebook.version,
        idempotency_ttl_s=settings.idempotency_ttl_s,
    )


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain and close open feeds within the grace."""
    app = create_app(api_config(settings))
    gc.collect()
    gc.freeze()  # exclude permanent objects from collections, which would stop all requests for 30 ms
    Server(
        app,
        drain_s=settings.drain_s,
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
    ).run()
