"""The parts of an API process. The application builds them once; endpoints get them as a dependency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from faust_redis.log import Log

from api.config import ApiConfig
from api.identity.private_users import PrivateUsers
from api.identity.service import Identity
from api.identity.sign_in import SignIn
from api.identity.store.database import IdentityStore
from api.identity.wallets.service import WalletSignIn
from api.kit.background import BackgroundTasks
from api.kit.broker_watch import BrokerWatch
from api.kit.commands.admission import Admission
from api.kit.commands.writer import Writer
from api.kit.effects import Effects
from api.kit.feeds.hub import Hub
from api.kit.feeds.tickets import Tickets
from api.kit.lifecycle import Lifecycle
from api.kit.pipeline import Pipeline
from api.kit.sealing import Sealer
from api.kit.waiting import Waiter
from api.limits.client_address import ClientAddresses
from api.limits.limiter import Limiter
from api.limits.slots import Slots
from api.metrics import Metrics
from api.operators.searches import Searches
from api.permissions import Permissions
from streams.rulebooks import RulebookWatch
from tables.reader import TableReader

PartT = TypeVar("PartT")


@dataclass(frozen=True, slots=True)
class Api:
    """The parts of one API process."""

    config: ApiConfig
    identity: Identity
    sign_in: SignIn
    wallets: WalletSignIn
    addresses: ClientAddresses
    store: IdentityStore
    private_users: PrivateUsers
    sealer: Sealer
    tickets: Tickets
    permissions: Permissions
    limiter: Limiter
    feed_slots: Slots
    socket_slots: Slots
    log: Log
    broker: BrokerWatch
    lifecycle: Lifecycle
    background: BackgroundTasks
    admission: Admission
    pipeline: Pipeline
    rulebooks: RulebookWatch
    tables: TableReader
    writer: Writer
    waiter: Waiter
    effects: Effects
    hub: Hub
    metrics: Metrics
    searches: Searches
    parts: Mapping[type[Any], Any]

    def why_not_ready(self) -> str | None:
        """Return why this process takes no requests, or None."""
        if self.lifecycle.stopping:
            return "the process is shutting down"
        return self.background.fault or self.broker.why_not_ready() or self.identity.fault()

    def part(self, kind: type[PartT]) -> PartT:
        """Return what a domain's endpoints share, by its type; the domain lists it in `DomainApi.parts`."""
        part: PartT = self.parts[kind]
        return part


async def _api(request: Request) -> Api:
    api: Api = request.app.state.api
    return api


ApiDep = Annotated[Api, Depends(_api)]
