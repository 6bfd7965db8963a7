"""How many users have each paid plan, summed over the partitions, as a query and as a feed. Public."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from api.financial.sums import SumsView, answered, totals_feed
from api.financial.totals import PLAN_USERS, PLAN_USERS_SHOWN, EveryPlan
from api.kit.context import ApiDep
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.openapi import problems
from api.kit.parameters import visible
from tables.financial import FINANCIAL_PLAN_USERS

PLAN_USERS_ANSWER: Final = PLAN_USERS_SHOWN.list_answer(
    "PlanUsersAnswer", "Users by plan, and the position they are true for.", "plans"
)
PLAN_USERS_FEED: Final = totals_feed("plan-users", PLAN_USERS)

router = APIRouter(prefix="/v1", responses=problems(410, 422, 503, 504))
feeds = feed_router()


@router.get(
    "/plan-users",
    summary="Users by plan",
    dependencies=[visible(FINANCIAL_PLAN_USERS)],
    response_model=PLAN_USERS_ANSWER,
)
async def get_plan_users(api: ApiDep) -> Response:
    """Return how many users have each paid plan."""
    return await answered(api, PLAN_USERS, EveryPlan(), "plans")


@feeds.get("/plan-users", summary="Users by plan")
async def follow_plan_users(api: ApiDep, last_event_id: LastEventId = None) -> FeedResponse:
    """Follow the numbers of users by plan."""
    return await open_feed(
        api, PLAN_USERS_FEED, SumsView(api.hub.shared_by(PLAN_USERS_FEED), EveryPlan()), last_event_id
    )
