"""Withdrawals that wait for a moderator, as a query and as a feed."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from api.kit.answers import json_answer
from api.kit.callers import Permitted
from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import user_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.kit.projection import Projection
from tables.financial import FINANCIAL_REVIEWS, Review

REVIEW: Final = Projection(
    Review, "WithdrawalReview", "A withdrawal that waits for review.", key={"user_id": str, "withdrawal_id": str}
)
REVIEWS_ANSWER: Final = REVIEW.list_answer(
    "WithdrawalReviews", "The withdrawals that wait for review, the oldest first.", "reviews"
)
REVIEWS_FEED: Final[Feed[Any]] = Feed(name="withdrawal-reviews", follows=FINANCIAL_REVIEWS, read=user_rows(REVIEW))

router = APIRouter(prefix="/v1", responses=problems(401, 403, 410, 422, 503, 504))
feeds = feed_router()


@router.get(
    "/withdrawal-reviews",
    summary="Withdrawals to review",
    dependencies=[visible(FINANCIAL_REVIEWS)],
    response_model=REVIEWS_ANSWER,
)
async def get_reviews(api: ApiDep) -> Response:
    """Return the withdrawals that wait for a moderator. For moderators and admins."""
    found = await api.tables.rows(FINANCIAL_REVIEWS.name)
    waiting = sorted((Review.load(row.value).requested_at, row.key, row.value) for row in found.rows)
    reviews = [REVIEW.load(key, raw) for _, key, raw in waiting]
    return json_answer({"position": str(found.position), "reviews": [*reviews]})


@feeds.get("/withdrawal-reviews", summary="Withdrawals to review", responses=problems(401, 403))
async def follow_reviews(api: ApiDep, permit: Permitted, last_event_id: LastEventId = None) -> FeedResponse:
    """Follow the withdrawals that wait for a moderator. One that was decided is deleted."""
    view = RowsView(api.hub.tables, FINANCIAL_REVIEWS.name, REVIEW.load)
    return await open_feed(api, REVIEWS_FEED, view, last_event_id, permit)
