"""A user's balances, as a query and as a feed. They belong to the user: others need a staff role."""

from __future__ import annotations

from typing import Any, Final

from faust_redis.log import StoredRecord
from pydantic import JsonValue
from starlette.responses import Response

from api.kit.answers import json_answer
from api.kit.callers import Permitted
from api.kit.context import ApiDep
from api.kit.feeds.change import Reading
from api.kit.feeds.feed import Feed
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.openapi import problems
from api.kit.parameters import OwnUser, visible
from api.kit.past import At, rows
from api.kit.projection import Projection
from api.kit.users import user_router
from streams.assets import DECIMALS
from tables.accounts import account_of, available, ledger_key, reserved, user_part
from tables.financial import FINANCIAL_LEDGER, Balance


def _shown(key: str) -> list[JsonValue]:
    account, asset = account_of(key)
    _, part = user_part(account) or ("", account)
    return [part, asset]


BALANCE: Final = Projection(
    Balance,
    "Balance",
    "What a user has of an asset: `available` to spend, or `reserved` for open withdrawals and purchases.",
    key={"account": str, "asset": str},
    split=_shown,
)
BALANCES_ANSWER: Final = BALANCE.list_answer(
    "BalancesAnswer", "A user's balances, and the position they are true for.", "balances", user_id=str
)


def _read(_: int, record: StoredRecord) -> Reading | None:
    """Read a balance of a user. The channel is the user."""
    owner = None if record.key is None else user_part(account_of(record.key.decode())[0])
    if record.key is None or owner is None or record.value is None:
        return None
    key, value = record.key.decode(), record.value
    return Reading(key, (owner[0],), lambda: BALANCE.load(key, value))


BALANCES_FEED: Final[Feed[Any]] = Feed(name="balances", follows=FINANCIAL_LEDGER, read=lambda _sealer: _read)

router = user_router()
feeds = feed_router()


def _keys(user_id: str) -> list[str]:
    accounts = (available(user_id), reserved(user_id))
    return [ledger_key(account, asset) for asset in DECIMALS for account in accounts]


@router.get(
    "/{user_id}/balances",
    summary="Balances",
    dependencies=[visible(FINANCIAL_LEDGER, private=True)],
    response_model=BALANCES_ANSWER,
    responses=problems(401, 403),
)
async def get_balances(api: ApiDep, user_id: OwnUser, at: At = None) -> Response:
    """Return a user's balances, without those that never moved. For the user, and for staff."""
    keys = _keys(user_id)
    position, found = await rows(api, FINANCIAL_LEDGER, keys, user_id, at)
    balances = [BALANCE.load(key, raw) for key, raw in zip(keys, found, strict=True) if raw is not None]
    return json_answer({"position": str(position), "user_id": user_id, "balances": [*balances]})


@feeds.get("/balances", summary="Your balances", responses=problems(401))
async def follow_balances(api: ApiDep, permit: Permitted, last_event_id: LastEventId = None) -> FeedResponse:
    """Follow the caller's balances."""
    keys = [(key, permit.caller.subject) for key in _keys(permit.caller.subject)]
    view = RowsView(api.hub.tables, FINANCIAL_LEDGER.name, BALANCE.load, keys=keys)
    return await open_feed(api, BALANCES_FEED, view, last_event_id, permit)
