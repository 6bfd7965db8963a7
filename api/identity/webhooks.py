"""The webhooks of venues, services and admins: subscribe, list, end, look at what was given up, and replay it.

Each change writes an audit entry in the same transaction. A secret exists in plain text only in the answer to the
subscription; the store keeps it sealed under the installation's secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth import Role
from api.identity import accounts, audit
from api.identity.accounts import AccountError, StatusError
from api.identity.secret import Seal
from api.identity.store.tables import WEBHOOKS
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.connect.webhooks.signing import new_secret
from streams.connect.webhooks.store import Webhook as Subscription
from streams.events import CATALOGUE, AnyEvent, Command
from streams.ids import new_id
from streams.times import Instant

WEBHOOKS_MAX: Final = 10
GIVEN_UP_MAX: Final = 100
VENUE_TYPES: Final = frozenset({"astra.trading.TradeExecuted.v1", "astra.trading.FillRejected.v1"})
"""What a venue may subscribe to: what became of the fills that it reported itself."""


class TooManyWebhooksError(AccountError):
    """The account has as many webhooks as it may have."""


class EventTypeError(AccountError):
    """There is no such type of event, or the account may not see it."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A subscription, without its secret."""

    id: str
    url: str
    types: tuple[str, ...]
    created: Instant
    waiting: int
    given_up: int


@dataclass(frozen=True, slots=True)
class CreatedWebhook:
    """A new subscription and its secret, which is shown once."""

    webhook: Webhook
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A delivery that failed too often."""

    event_id: str
    type: str
    attempts: int
    last_error: str


def types_for(role: Role) -> frozenset[str]:
    """Return the types of events that an account of a role may subscribe to."""
    if role is Role.VENUE:
        return VENUE_TYPES
    return frozenset(name for name, model in CATALOGUE.items() if not issubclass(model, Command))


def may_see(subscription: Subscription, event: AnyEvent) -> bool:
    """Return whether the owner of a subscription may see an event: a venue sees events of its own fills alone."""
    if event.type not in types_for(Role(subscription.role)):
        return False
    return subscription.role != Role.VENUE or getattr(event.data, "venue", None) == subscription.account_id


def sealed_name(webhook_id: str) -> str:
    """Return the name under which a subscription's secret is sealed."""
    return f"webhook:{webhook_id}"


async def subscribe(work: UnitOfWork, seal: Seal, account_id: str, url: str, types: frozenset[str]) -> CreatedWebhook:
    """Subscribe an account to types of events. Deliveries begin with what happens from now on.

    Raises:
        UnknownAccountError: there is no such account.
        StatusError: the account is suspended or closed.
        EventTypeError: the account may not see a type, or there is no such type.
        TooManyWebhooksError: the account has as many webhooks as it may have.
    """
    account = await accounts.get(work.connection, account_id, lock=True)
    if not account.active:
        raise StatusError(f"the account is {account.status}")
    if refused := types - types_for(account.role):
        raise EventTypeError(f"this account cannot subscribe to {', '.join(sorted(refused))}")
    if len(await webhooks_of(work.connection, account_id)) >= WEBHOOKS_MAX:
        raise TooManyWebhooksError(f"an account may have {WEBHOOKS_MAX} webhooks; end one that is not used")
    webhook_id, secret = new_id(work.now), new_secret()
    row = {
        "id": webhook_id,
        "account_id": account_id,
        "url": url,
        "sealed_secret": seal.seal(secret.encode(), sealed_name(webhook_id)),
        "types": sorted(types),
        "created_us": int(work.now),
    }
    await work.connection.execute(insert(WEBHOOKS.hooks).values(row))
    detail = {"webhook": webhook_id, "url": url}
    await audit.record(work, actor=account_id, action="webhook.created", subject=account_id, detail=detail)
    return CreatedWebhook(Webhook(webhook_id, url, tuple(sorted(types)), work.now, 0, 0), secret)


async def webhooks_of(connection: AsyncConnection, account_id: str) -> list[Webhook]:
    """Return the webhooks of an account, the oldest first, each with how many deliveries wait or were given up."""
    hooks, deliveries = WEBHOOKS.hooks, WEBHOOKS.deliveries
    counts = (
        select(
            deliveries.c.webhook_id,
            func.count(deliveries.c.next_us).label("waiting"),
            func.count().label("all_of_it"),
        )
        .group_by(deliveries.c.webhook_id)
        .subquery()
    )
    wanted = (
        select(hooks, counts.c.waiting, counts.c.all_of_it)
        .outerjoin(counts, counts.c.webhook_id == hooks.c.id)
        .where(hooks.c.account_id == account_id)
        .order_by(hooks.c.id)
    )
    return [_webhook(row) for row in (await connection.execute(wanted)).all()]


async def unsubscribe(work: UnitOfWork, account_id: str, webhook_id: str) -> bool:
    """End a webhook of an account, with all its deliveries. Return False when the account has no such webhook."""
    if not await owns(work.connection, account_id, webhook_id):
        return False
    for table in (WEBHOOKS.deliveries, WEBHOOKS.positions):
        await work.connection.execute(delete(table).where(table.c.webhook_id == webhook_id))
    await work.connection.execute(delete(WEBHOOKS.hooks).where(WEBHOOKS.hooks.c.id == webhook_id))
    detail = {"webhook": webhook_id}
    await audit.record(work, actor=account_id, action="webhook.deleted", subject=account_id, detail=detail)
    return True


async def owns(connection: AsyncConnection, account_id: str, webhook_id: str) -> bool:
    """Return whether an account has a webhook."""
    hooks = WEBHOOKS.hooks.c
    mine = select(hooks.id).where(hooks.id == webhook_id, hooks.account_id == account_id)
    return (await connection.execute(mine)).first() is not None


async def given_up(connection: AsyncConnection, webhook_id: str) -> list[GivenUp]:
    """Return the oldest deliveries of a webhook that were given up, at most `GIVEN_UP_MAX`."""
    table = WEBHOOKS.deliveries.c
    wanted = (
        select(table.event_id, table.type, table.attempts, table.last_error)
        .where(table.webhook_id == webhook_id, table.next_us.is_(None))
        .order_by(table.created_us, table.event_id)
        .limit(GIVEN_UP_MAX)
    )
    return [GivenUp(*row) for row in await connection.execute(wanted)]


async def replay(work: UnitOfWork, webhook_id: str, event_id: str | None = None) -> int:
    """Try deliveries again that were given up: one, or all of a webhook. Return how many there were."""
    table = WEBHOOKS.deliveries
    chosen = (table.c.webhook_id == webhook_id) & table.c.next_us.is_(None)
    if event_id is not None:
        chosen &= table.c.event_id == event_id
    again = update(table).where(chosen).values(attempts=0, next_us=int(work.now))
    return (await work.connection.execute(again)).rowcount


def _webhook(row: Row[Any]) -> Webhook:
    waiting = row.waiting or 0
    return Webhook(row.id, row.url, tuple(row.types), Instant(row.created_us), waiting, (row.all_of_it or 0) - waiting)
