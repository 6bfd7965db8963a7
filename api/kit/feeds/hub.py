"""All feeds of one API process: a follower each, and the sessions that are open."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast

from faust_redis.log import Log

from api.kit.feeds.feed import Feed, Shared, SharedT
from api.kit.feeds.follower import Follower
from api.kit.feeds.session import TICK_S, Session
from api.kit.feeds.views import View
from api.kit.problems import UNAVAILABLE, Problem
from api.metrics import Metrics
from tables.reader import TableReader

FEEDS_OPEN_MAX = 5_000
RETRY_AFTER_S = 5


class Hub:
    """Opens feeds. It has a connection pool of its own, so that waiting reads never hold up a query.

    Attributes:
        followers: By the feed's name.
        shared: What subscribers of a feed share, by the feed's name; only for feeds that declare it.
    """

    def __init__(self, log: Log, app_id: str, metrics: Metrics, feeds: Iterable[Feed[Any]]) -> None:
        self.log = log
        self.tables = TableReader(log, app_id)
        self.metrics = metrics
        self.sessions: set[Session] = set()
        self.followers: dict[str, Follower] = {}
        self.shared: dict[str, Shared] = {}
        self._tasks: list[asyncio.Task[None]] = []
        for feed in feeds:
            self._add(feed, app_id)

    def _add(self, feed: Feed[Any], app_id: str) -> None:
        if feed.name in self.followers:
            raise ValueError(f"two feeds are called {feed.name!r}")
        follower = self.followers[feed.name] = Follower(self.log, feed.topic(app_id), feed.read, feed.round_s)
        if feed.shared is not None:
            shared: Shared = feed.shared(self.tables)
            self.shared[feed.name] = shared
            follower.prepare, follower.on_stop = shared.prepare, shared.forget

    def shared_by(self, feed: Feed[SharedT]) -> SharedT:
        """Return what the subscribers of a feed share."""
        return cast("SharedT", self.shared[feed.name])

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

    async def open(self, name: str, view: View, last_event_id: str | None) -> Session:
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
        """Forget a feed that ended."""
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
