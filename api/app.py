"""Builds the application: its parts, its routes, and what runs while it serves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from faust_redis.log import Log, LogUnavailableError

from api import handlers, health, openapi, pages
from api.auth import Tokens
from api.broker_watch import BrokerWatch
from api.config import ApiConfig
from api.context import Api
from api.feeds import routes as feeds
from api.feeds.hub import Hub
from api.ingress import routes as ingress
from api.ingress.models import FillBatch, Order, PriceBatch
from api.ingress.writer import Writer
from api.metrics import Metrics
from api.middleware import ForbidSniffing, LimitBody, Observe
from api.queries import boards, fees, stats, users
from api.queries.seals import Seals
from api.queries.waiting import Waiter
from tables.reader import TableReader

TITLE = "AstraTrade Streams"
VERSION = "1"

logger = logging.getLogger(__name__)


def create_app(config: ApiConfig) -> FastAPI:
    """The API as an ASGI application; it connects when it starts."""
    app = FastAPI(title=TITLE, version=VERSION, lifespan=_lifespan, docs_url=None, redoc_url=None)
    app.state.api = api = _api(config)
    for router in (ingress, users, boards, fees, stats, feeds, health, pages):
        app.include_router(router.router)
    handlers.install(app)
    openapi.install(app, [Order, FillBatch, PriceBatch])
    app.add_middleware(LimitBody)
    app.add_middleware(ForbidSniffing)
    app.add_middleware(Observe, metrics=api.metrics)
    return app


def _api(config: ApiConfig) -> Api:
    log = Log(config.log_url, config.namespace, owner=config.app_id)
    tables = TableReader(log, config.app_id)
    metrics = Metrics()
    broker = BrokerWatch(log)
    return Api(
        config=config,
        tokens=Tokens(config.jwt_secret),
        log=log,
        broker=broker,
        tables=tables,
        writer=Writer(log, config, broker),
        waiter=Waiter(log, tables, config.group),
        seals=Seals(tables, config.late_grace_h),
        hub=Hub(config.log_url, config.namespace, config.app_id, metrics),
        metrics=metrics,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Refuse an unsuitable broker, wait for one that is away; follow tables while it serves; close all at the end."""
    api: Api = app.state.api
    try:
        await api.log.check()
    except LogUnavailableError as exc:
        logger.warning("starting without the broker: %s", exc)
    tasks = [
        asyncio.create_task(api.waiter.run(), name="waiter"),
        asyncio.create_task(api.broker.run(), name="broker watch"),
    ]
    api.hub.start()
    try:
        yield
    finally:
        await api.hub.close()
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await api.log.close()
