"""Game profiles of users, as a query and as a feed. Public."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import user_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, Users, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.parameters import UserPath, visible
from api.kit.projection import Projection
from api.kit.users import user_router, user_row
from tables.gamification import GAMIFICATION_PROGRESS, Progress, Streak, Unlocked

STREAK: Final = Projection(Streak, "Streak", "Consecutive UTC days with activity, as of the last active day.")
ACHIEVEMENT: Final = Projection(Unlocked, "Achievement", "An achievement and when it was unlocked.")
PROGRESS: Final = Projection(
    Progress,
    "Progress",
    "A user's game profile.",
    key={"user_id": str},
    describe={"ss": "stellar shards"},
    nested=(STREAK, ACHIEVEMENT),
)
PROGRESS_ANSWER: Final = PROGRESS.answer("ProgressAnswer", "A user's game profile and the position it is true for.")

PROGRESS_FEED: Final[Feed[Any]] = Feed(name="progress", follows=GAMIFICATION_PROGRESS, read=user_rows(PROGRESS))

router = user_router()
feeds = feed_router()


@router.get(
    "/{user_id}/progress",
    summary="Game profile",
    dependencies=[visible(GAMIFICATION_PROGRESS)],
    response_model=PROGRESS_ANSWER,
)
async def get_progress(api: ApiDep, user_id: UserPath) -> Response:
    """XP, level, streaks, achievements and counts of a user. Public."""
    return await user_row(api, GAMIFICATION_PROGRESS, PROGRESS, user_id)


@feeds.get("/progress", summary="Game profiles")
async def progress(api: ApiDep, users: Users = [], last_event_id: LastEventId = None) -> FeedResponse:  # noqa: B006
    """Game profiles as they change: of some users, or of all."""
    keys = [(user_id, user_id) for user_id in users] or None
    view = RowsView(api.hub.tables, GAMIFICATION_PROGRESS.name, PROGRESS.load, keys=keys)
    return await open_feed(api, PROGRESS_FEED, view, last_event_id)
