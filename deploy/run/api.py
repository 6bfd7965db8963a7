"""The API process: settings into the API's own configuration, run by its server."""

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
    """Return what the API needs of the settings and of the rule book."""
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
    """Serve until SIGTERM or SIGINT, then drain; open feeds are closed within the grace."""
    app = create_app(api_config(settings))
    gc.collect()
    gc.freeze()  # what stays for good is not looked through again: that stopped every request for 30 ms now and then
    Server(
        app,
        drain_s=settings.drain_s,
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
    ).run()
