"""Game profiles of users, as a query and as a feed. Public, unless the user is private."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from api.kit.callers import AudienceDep
from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.public_form import PublicForm, PublicRows
from api.kit.feeds.reading import user_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, Users, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.parameters import UserPath, visible
from api.kit.projection import Projection
from api.kit.public import cut_to_hour
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


def public_progress(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the public sees of a game profile: its times are cut to the hour."""
    if "updated_at" not in row:
        return row  # a deleted row
    achievements = [{**one, "at": cut_to_hour(one["at"])} for one in row["achievements"]]
    return {**row, "achievements": achievements, "updated_at": cut_to_hour(row["updated_at"])}


PUBLIC_FORM: Final = PublicForm(public_progress)
PROGRESS_FEED: Final[Feed[Any]] = Feed(name="progress", follows=GAMIFICATION_PROGRESS, read=user_rows(PROGRESS))

router = user_router()
feeds = feed_router()


@router.get(
    "/{user_id}/progress",
    summary="Game profile",
    dependencies=[visible(GAMIFICATION_PROGRESS)],
    response_model=PROGRESS_ANSWER,
)
async def get_progress(api: ApiDep, user_id: UserPath, audience: AudienceDep) -> Response:
    """XP, level, streaks, achievements and counts of a user. Times are cut to the hour.

    A private user is unknown here to everyone else.
    """
    return await user_row(api, GAMIFICATION_PROGRESS, PROGRESS, user_id, public=(audience, public_progress))


@feeds.get("/progress", summary="Game profiles")
async def progress(
    api: ApiDep,
    audience: AudienceDep,
    users: Users = [],  # noqa: B006 - FastAPI copies it
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Game profiles as they change: of some users, or of all. Private users are left out."""
    keys = [(user_id, user_id) for user_id in users] or None
    view = RowsView(
        api.hub.tables, GAMIFICATION_PROGRESS.name, PROGRESS.load, keys=keys, public=PublicRows(PUBLIC_FORM, audience)
    )
    return await open_feed(api, PROGRESS_FEED, view, last_event_id, audience)
