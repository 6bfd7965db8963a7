"""What a user did and earned by day: the calendar of streaks and the equity curve. It belongs to the user."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from pydantic import JsonValue
from starlette.responses import Response

from api.gamification.left import DAYS, leaving, rows_left
from api.kit.answers import json_answer
from api.kit.callers import Permitted
from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import user_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.feeds.views import ReadView
from api.kit.openapi import problems
from api.kit.parameters import OwnUser, visible
from api.kit.projection import Projection
from api.kit.users import user_router
from api.kit.windows.answers import range_of, windows_answer
from api.kit.windows.ranges import LAST_DEFAULT, Asked, AskedRange, LastWindows
from api.kit.windows.table import newest_of
from streams.times import DAY_US, Instant
from tables.gamification import GAMIFICATION_DAYS, GAMIFICATION_WATERMARK, DailyTrading, UserDay, day_key
from tables.keys import SEPARATOR
from tables.reader import Row, Rows, TableReader


def day_of_key(key: str) -> list[JsonValue]:
    """Return the day of a key."""
    return [key.rpartition(SEPARATOR)[2]]


DAILY_TRADING: Final = Projection(
    DailyTrading,
    "DailyTrading",
    "What a user traded on a UTC day in one mode.",
    describe={"trades": "trades that began on the day", "pnl_usd": "realised on the day"},
)
DAY: Final = Projection(
    UserDay,
    "UserDay",
    "What a user did and earned on a UTC day. The running sums of pnl less fees are the equity curve.",
    key={"day": str},
    split=day_of_key,
    omit=("hours",),
    describe={"streaks": "days of the streaks that this day began or continued"},
    nested=(DAILY_TRADING,),
)
DAYS_ANSWER: Final = windows_answer(
    "DaysAnswer", "Days of a user, oldest first, and the position they are true for.", "days", DAY.model
)
DAYS_FEED: Final[Feed[Any]] = Feed(name="days", follows=GAMIFICATION_DAYS, read=user_rows(DAY))

router = user_router()
feeds = feed_router()


async def _days(tables: TableReader, user_id: str, begins: range) -> Rows:
    keys = [day_key(user_id, Instant(begin).day().isoformat()) for begin in begins]
    position, found = await tables.get_many(GAMIFICATION_DAYS.name, [(key, user_id) for key in keys])
    return Rows(position, [Row(0, key, raw) for key, raw in zip(keys, found, strict=True) if raw is not None])


async def _newest_days(tables: TableReader, user_id: str, count: int) -> Rows:
    newest = await newest_of(tables, GAMIFICATION_WATERMARK)
    return await _days(tables, user_id, Asked(None, None, count).begins("1d", newest))


async def _that_stay(tables: TableReader, begins: range) -> range:
    """Return a range without the days at its beginning that have left.

    Raises:
        Problem: 410 when all of them have.
    """
    found = await leaving(tables, DAYS)
    staying = [begin for begin in begins if not any(state.lacks(begin + DAY_US) for state in found)]
    if begins and not staying:
        raise rows_left("these days", max(state.to for state in found))
    return range(staying[0], begins.stop, begins.step) if staying else begins


@router.get(
    "/{user_id}/days",
    summary="Activity, profit and loss by day",
    dependencies=[visible(GAMIFICATION_DAYS, private=True)],
    response_model=DAYS_ANSWER,
    responses=problems(401, 403, 410),
)
async def get_days(api: ApiDep, user_id: OwnUser, asked: AskedRange) -> Response:
    """Return XP, trades, volume, realised pnl, fees and streaks by UTC day; live and practice money apart.

    A day on which the user did and earned nothing is left out. Days that have left are outside of the range, and a
    range of these alone is refused. For the user, and for staff.
    """
    newest = await newest_of(api.tables, GAMIFICATION_WATERMARK) if asked.end is None else 0
    begins = asked.begins("1d", newest)
    found = await _days(api.tables, user_id, begins)
    staying = await _that_stay(api.tables, begins)  # read last, so that no day can leave in between
    first = Instant(staying.start).day().isoformat()
    days = [DAY.load(row.key, row.value) for row in found.rows if row.key.rpartition(SEPARATOR)[2] >= first]
    return json_answer({**range_of(staying), "position": str(found.position), "days": [*days]})


@feeds.get("/days", summary="Your activity, profit and loss by day", responses=problems(401))
async def follow_days(
    api: ApiDep, permit: Permitted, last: LastWindows = LAST_DEFAULT, last_event_id: LastEventId = None
) -> FeedResponse:
    """Follow the caller's days. The snapshot has those among the last days on which something happened."""
    user_id = permit.caller.subject
    view = ReadView(frozenset({user_id}), partial(_newest_days, api.hub.tables, user_id, last), DAY.load)
    return await open_feed(api, DAYS_FEED, view, last_event_id, permit)
