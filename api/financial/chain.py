"""What the fee contracts on the chain say, as a query and as a feed. Public, as the chain is."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.financial.sums import SumsView, answered, totals_feed
from api.financial.totals import CHAIN, CHAIN_TOTALS, ChainFilter
from api.kit.context import ApiDep
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.openapi import problems
from api.kit.parameters import visible
from tables.financial import FINANCIAL_CHAIN, ChainKind

CHAIN_ANSWER: Final = CHAIN.list_answer(
    "ChainFeesAnswer", "Fees on the chain and the position they are true for.", "totals"
)
CHAIN_FEED: Final = totals_feed("chain-fees", CHAIN_TOTALS)

router = APIRouter(prefix="/v1", responses=problems(410, 422, 503, 504))
feeds = feed_router()


async def chain_filter(
    contract: Annotated[
        str | None, Query(description="the address of one contract", pattern="^0x[0-9a-f]{64}$")
    ] = None,
    total: Annotated[ChainKind | None, Query(description="what the contract adds up")] = None,
    name: Annotated[str | None, Query(description="a source, a splitter or a beneficiary", max_length=128)] = None,
) -> ChainFilter:
    """Return the filters of a request."""
    return ChainFilter(contract, total, name)


Filter = Annotated[ChainFilter, Depends(chain_filter)]


@router.get(
    "/chain/fees", summary="Fees on the chain", dependencies=[visible(FINANCIAL_CHAIN)], response_model=CHAIN_ANSWER
)
async def get_chain_fees(api: ApiDep, filters: Filter) -> Response:
    """Return what the fee contracts settled, swept and distributed, as their events say."""
    return await answered(api, CHAIN_TOTALS, filters, "totals")


@feeds.get("/chain-fees", summary="Fees on the chain")
async def follow_chain_fees(api: ApiDep, filters: Filter, last_event_id: LastEventId = None) -> FeedResponse:
    """Follow what the fee contracts say; replaced blocks take amounts back."""
    return await open_feed(api, CHAIN_FEED, SumsView(api.hub.shared_by(CHAIN_FEED), filters), last_event_id)
