"""The parts of an API process. The application builds them once; endpoints get them as a dependency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from faust_redis.log import Log

from api.auth import Tokens
from api.config import ApiConfig
from api.identity.store.database import IdentityStore
from api.kit.broker_watch import BrokerWatch
from api.kit.commands.admission import Admission
from api.kit.commands.writer import Writer
from api.kit.feeds.hub import Hub
from api.kit.lifecycle import Lifecycle
from api.kit.pipeline import Pipeline
from api.kit.waiting import Waiter
from api.limits.client_address import ClientAddresses
from api.metrics import Metrics
from streams.rulebooks import RulebookWatch
from tables.reader import TableReader

PartT = TypeVar("PartT")


@dataclass(frozen=True, slots=True)
class Api:
    """The parts of one API process."""

    config: ApiConfig
    tokens: Tokens
    addresses: ClientAddresses
    store: IdentityStore
    log: Log
    broker: BrokerWatch
    lifecycle: Lifecycle
    admission: Admission
    pipeline: Pipeline
    rulebooks: RulebookWatch
    tables: TableReader
    writer: Writer
    waiter: Waiter
    hub: Hub
    metrics: Metrics
    parts: Mapping[type[Any], Any]

    def why_not_ready(self) -> str | None:
        """Return why this process takes no requests, or None."""
        return "the process is shutting down" if self.lifecycle.stopping else self.broker.why_not_ready()

    def part(self, kind: type[PartT]) -> PartT:
        """Return what a domain's endpoints share, by its type; the domain lists it in `DomainApi.parts`."""
        part: PartT = self.parts[kind]
        return part


async def _api(request: Request) -> Api:
    api: Api = request.app.state.api
    return api


ApiDep = Annotated[Api, Depends(_api)]
