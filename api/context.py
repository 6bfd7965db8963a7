"""What a request can use: built once by the application, handed to endpoints as a dependency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from faust_redis.log import Log

from api.auth import Tokens
from api.broker_watch import BrokerWatch
from api.config import ApiConfig
from api.feeds.hub import Hub
from api.ingress.writer import Writer
from api.metrics import Metrics
from api.queries.seals import Seals
from api.queries.waiting import Waiter
from tables.reader import TableReader


@dataclass(frozen=True, slots=True)
class Api:
    """The parts of one API process."""

    config: ApiConfig
    tokens: Tokens
    log: Log
    broker: BrokerWatch
    tables: TableReader
    writer: Writer
    waiter: Waiter
    seals: Seals
    hub: Hub
    metrics: Metrics


async def _api(request: Request) -> Api:
    api: Api = request.app.state.api
    return api


ApiDep = Annotated[Api, Depends(_api)]
