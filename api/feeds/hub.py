"""All feeds of one API process: a follower each, and the sessions that are open."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Literal, NamedTuple

from faust_redis.log import Log

from api.feeds import projections
from api.feeds.change import Read
from api.feeds.follower import ROUND_S, Follower
from api.feeds.ranked import BOARDS_ROUND_S, Tops
from api.feeds.session import TICK_S, Session
from api.feeds.summed import Totals
from api.feeds.views import View
from api.metrics import Metrics
from api.problems import UNAVAILABLE, Problem
from streams import topics
from streams.topology import changelog_topic
from tables.financial import FINANCIAL_FEES
from tables.gamification import GAMIFICATION_BOARDS, GAMIFICATION_PROGRESS
from tables.reader import TableReader
from tables.trading import TRADING_PORTFOLIO, TRADING_POSITIONS

FEEDS_OPEN_MAX = 5_000
RETRY_AFTER_S = 5

FeedName = Literal["progress", "boards", "fees", "positions", "portfolio", "trades", "xp"]


class _Followed(NamedTuple):
    """What a feed follows, how it reads it, and how long it rests between two reads, in seconds."""

    topic: str
    read: Read
    round_s: float = ROUND_S


class Hub:
    """Opens feeds. It has a connection pool of its own, so that waiting reads never hold up a query."""

    def __init__(self, url: str, namespace: str, app_id: str, metrics: Metrics) -> None:
        self.log = Log(url, namespace)
        self.tables = TableReader(self.log, app_id)
        self.tops = Tops(self.tables)
        self.totals = Totals(self.tables)
        self.metrics = metrics
        self.sessions: set[Session] = set()
        self.followers: Mapping[FeedName, Follower] = {
            name: Follower(self.log, *followed) for name, followed in _followed(app_id).items()
        }
        self.followers["boards"].prepare = self.tops.prepare
        self.followers["boards"].on_stop = self.tops.forget
        self.followers["fees"].prepare = self.totals.prepare
        self.followers["fees"].on_stop = self.totals.forget
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the followers, and the clock of all feeds."""
        self._tasks = [
            asyncio.create_task(follower.run(), name=f"feed {name}") for name, follower in self.followers.items()
        ]
        self._tasks.append(asyncio.create_task(self._tick(), name="feeds' clock"))

    async def _tick(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(TICK_S)
            for session in self.sessions:
                session.tick(clock())

    async def open(self, name: FeedName, view: View, last_event_id: str | None) -> Session:
        """Open a feed.

        Raises:
            LogUnavailableError: when it cannot be read just now.
            Problem: 503 when too many are open.
        """
        if len(self.sessions) >= FEEDS_OPEN_MAX:
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            raise Problem(UNAVAILABLE, f"{FEEDS_OPEN_MAX} feeds are open here; try again", headers=headers)
        session = Session(name, self.followers[name], view, self.metrics, last_event_id=last_event_id)
        await session.open()
        self.sessions.add(session)
        return session

    def leave(self, session: Session) -> None:
        """A feed ended."""
        self.sessions.discard(session)
        session.leave()

    def end_sessions(self) -> None:
        """Let all open feeds end now, so that the server can stop."""
        for session in self.sessions:
            session.close()

    async def close(self) -> None:
        """End everything."""
        self.end_sessions()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self.log.close()


def _followed(app_id: str) -> dict[FeedName, _Followed]:
    return {
        "progress": _Followed(changelog_topic(app_id, GAMIFICATION_PROGRESS.name), projections.progress),
        "boards": _Followed(changelog_topic(app_id, GAMIFICATION_BOARDS.name), projections.boards, BOARDS_ROUND_S),
        "fees": _Followed(changelog_topic(app_id, FINANCIAL_FEES.name), projections.fees),
        "positions": _Followed(changelog_topic(app_id, TRADING_POSITIONS.name), projections.positions),
        "portfolio": _Followed(changelog_topic(app_id, TRADING_PORTFOLIO.name), projections.portfolio),
        "trades": _Followed(topics.TRADING_EVENTS, projections.trades),
        "xp": _Followed(topics.GAMIFICATION_EVENTS, projections.xp),
    }
