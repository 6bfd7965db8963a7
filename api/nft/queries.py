"""Tokens, the market and a user's tokens, by query; all tokens, and what concerns the caller, as feeds."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from faust_redis.log import StoredRecord
from starlette.responses import Response

from api.kit import cursor as cursors
from api.kit.answers import json_answer
from api.kit.audience import Audience
from api.kit.callers import AudienceDep
from api.kit.context import Api, ApiDep
from api.kit.feeds.change import Reading
from api.kit.feeds.feed import Feed
from api.kit.feeds.public_form import PublicForm, PublicRows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.openapi import problems
from api.kit.own_events import OwnEvents
from api.kit.parameters import UserPath, visible
from api.kit.problems import NOT_FOUND, Problem
from api.kit.ranking_pages import ranking_page
from api.nft.commands import TokenPath
from api.nft.projections import TOKEN, TokenAnswer, TokensAnswer, public_token, shown, without_owner
from streams.events.nft import (
    GenesisType,
    MintFailed,
    MintRequested,
    MintUnmatched,
    NFTCommandRejected,
    NFTEligible,
    NFTGone,
    NFTReceived,
    PurchaseDecided,
    PurchaseRequested,
    SaleAsset,
)
from tables.nft import ANY, NFT_MARKET, NFT_TOKENS, Token, open_group, owner_group, token_of

LIMIT_DEFAULT = 50
LIMIT_MAX = 200


def read_token(_: int, record: StoredRecord) -> Reading | None:
    """Read a change of a token. The channel is its owner. Tokens are never removed."""
    if record.key is None or record.value is None:
        return None
    key, value = record.key.decode(), record.value
    return Reading(key, (Token.load(value).owner,), lambda: TOKEN.load(key, value))


TOKENS_FEED: Final[Feed[Any]] = Feed(name="nft-tokens", follows=NFT_TOKENS, read=lambda _sealer: read_token)
MY_NFTS: Final = OwnEvents(
    "my-nfts",
    (
        NFTCommandRejected,
        NFTEligible,
        MintRequested,
        MintFailed,
        MintUnmatched,
        NFTReceived,
        NFTGone,
        PurchaseRequested,
        PurchaseDecided,
    ),
    title="Your mints and purchases",
    doc="Follow what concerns the caller: eligibility, mints, tokens received and gone, purchases, rejections.",
)
FORM: Final = PublicForm(public_token, without_owner)

router = APIRouter(prefix="/v1", responses=problems(400, 404, 410, 422, 503, 504))
feeds = feed_router()

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]
Cursor = Annotated[str | None, Query(max_length=cursors.CURSOR_CHARS_MAX)]


@router.get("/nft/tokens/{token_id}", summary="A token", dependencies=[visible(NFT_TOKENS)], response_model=TokenAnswer)
async def get_token(api: ApiDep, token_id: TokenPath, audience: AudienceDep) -> Response:
    """Return a token with its offer. A private owner has no name."""
    position, raw = await api.tables.get(NFT_TOKENS.name, token_id, owner=token_id)
    if raw is None:
        raise Problem(NOT_FOUND, f"there is no token {token_id!r} yet", position=str(position))
    return json_answer({**shown(TOKEN.load(token_id, raw), audience), "position": str(position)})


@router.get("/nft/market", summary="Open listings", dependencies=[visible(NFT_MARKET)], response_model=TokensAnswer)
async def get_market(
    api: ApiDep,
    audience: AudienceDep,
    *,
    type: Annotated[GenesisType | None, Query(description="only tokens of a type")] = None,  # noqa: A002
    asset: Annotated[SaleAsset | None, Query(description="only prices in an asset")] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """Return the tokens that are for sale, the latest listings first."""
    return await _listed(api, audience, open_group(type or ANY, asset or ANY), limit, cursor)


@router.get(
    "/users/{user_id}/nfts", summary="A user's tokens", dependencies=[visible(NFT_MARKET)], response_model=TokensAnswer
)
async def get_nfts(
    api: ApiDep, user_id: UserPath, audience: AudienceDep, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Response:
    """Return a user's tokens, those that came last first. For others, a private user has none."""
    if audience.hides(user_id):
        raise Problem(NOT_FOUND, f"nothing is known of the user {user_id!r} yet")
    return await _listed(api, audience, owner_group(user_id), limit, cursor)


async def _listed(api: Api, audience: Audience, group: str, limit: int, cursor: str | None) -> Response:
    """Answer with a page of a ranking of tokens. The tokens are read after the ranking, so they may be newer."""
    page, next_cursor = await ranking_page(api, NFT_MARKET, group, limit=limit, cursor=cursor)
    keys = [(token_of(member.member),) * 2 for member in page.members]
    _, found = await api.tables.get_many(NFT_TOKENS.name, keys)
    rows = [TOKEN.load(key, raw) for (key, _), raw in zip(keys, found, strict=True) if raw is not None]
    return json_answer(
        {
            "position": str(page.position),
            "total": page.total,
            "tokens": [shown(row, audience) for row in rows],
            "next_cursor": next_cursor,
        }
    )


@feeds.get("/nft-tokens", summary="Tokens")
async def follow_tokens(api: ApiDep, audience: AudienceDep, last_event_id: LastEventId = None) -> FeedResponse:
    """Follow all tokens: owners, offers and sales. Private owners have no name."""
    view = RowsView(api.hub.tables, NFT_TOKENS.name, TOKEN.load, public=PublicRows(FORM, audience))
    return await open_feed(api, TOKENS_FEED, view, last_event_id, audience)
