"""All feeds of one API process: a follower each, and the sessions that are open."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol, cast

from faust_redis.log import Log

from api.kit.background import BackgroundTasks
from api.kit.feeds.feed import Feed, Shared, SharedT
from api.kit.feeds.follower import Follower
from api.kit.feeds.permit import Right
from api.kit.feeds.resume_ids import ResumeIds
from api.kit.feeds.session import TICK_S, Ended, Session
from api.kit.feeds.views import View
from api.kit.sealing import Sealer
from api.kit.tracing import Deliveries
from api.metrics import Metrics
from tables.reader import TableReader

TICKS_AT_ONCE = 100
"""After so many sessions the clock lets other requests run: sessions that sent together are due together, too."""


class Socket(Protocol):
    """A connection that carries several sessions."""

    def tick(self, now_s: float) -> None:
        """Do what is due; called twice a second."""

    def stop(self) -> None:
        """Close the connection, since the server stops."""


class Hub:
    """Opens feeds. It has a connection pool of its own, so that waiting reads never hold up a query.

    Attributes:
        followers: By the feed's name.
        shared: What subscribers of a feed share, by the feed's name; only for feeds that declare it.
    """

    def __init__(
        self,
        log: Log,
        app_id: str,
        metrics: Metrics,
        feeds: Iterable[Feed[Any]],
        sealer: Sealer,
        *,
        deliveries: Deliveries | None = None,
    ) -> None:
        self.log = log
        self._deliveries = deliveries
        self.tables = TableReader(log, app_id)
        self.metrics = metrics
        self.sealer = sealer
        self.sessions: set[Session] = set()
        self.sockets: set[Socket] = set()
        self.followers: dict[str, Follower] = {}
        self.shared: dict[str, Shared] = {}
        for feed in feeds:
            self._add(feed, app_id)

    def _add(self, feed: Feed[Any], app_id: str) -> None:
        if feed.name in self.followers:
            raise ValueError(f"two feeds are called {feed.name!r}")
        for metric in (self.metrics.subscribers, self.metrics.deltas, self.metrics.conflated):
            metric.labels(feed.name)  # series that begin at 0
        follower = self.followers[feed.name] = Follower(
            self.log, feed.topic(app_id), feed.read(self.sealer), ResumeIds(self.sealer, feed.name), feed.round_s
        )
        if feed.shared is not None:
            shared: Shared = feed.shared(self.tables)
            self.shared[feed.name] = shared
            follower.prepare, follower.on_stop = shared.prepare, shared.forget

    def shared_by(self, feed: Feed[SharedT]) -> SharedT:
        """Return what the subscribers of a feed share."""
        return cast("SharedT", self.shared[feed.name])

    def start(self, tasks: BackgroundTasks) -> None:
        """Start the followers, and the clock of all feeds."""
        for name, follower in self.followers.items():
            tasks.start(follower.run(), f"feed {name}")
        tasks.start(self._tick(), "feeds' clock")

    async def _tick(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(TICK_S)
            for number, session in enumerate(list(self.sessions), start=1):
                session.tick(clock())
                if number % TICKS_AT_ONCE == 0:
                    await asyncio.sleep(0)
            for socket in self.sockets:
                socket.tick(clock())

    async def open(
        self, name: str, view: View, last_event_id: str | None = None, right: Right | None = None
    ) -> Session:
        """Open a feed. It ends when the right to it lapses.

        Raises:
            LogUnavailableError: when it cannot be read just now.
        """
        session = Session(
            name, self.followers[name], view, self.metrics, last_event_id=last_event_id, right=right,
            deliveries=self._deliveries,
        )  # fmt: skip
        await session.open()
        self.sessions.add(session)
        return session

    def leave(self, session: Session) -> None:
        """Forget a feed that ended."""
        self.sessions.discard(session)
        session.leave()

    def enter(self, socket: Socket) -> None:
        """Add a socket."""
        self.sockets.add(socket)
        self.metrics.sockets.inc()

    def exit(self, socket: Socket) -> None:
        """Forget a socket that was closed."""
        self.sockets.discard(socket)
        self.metrics.sockets.dec()

    def end_sessions(self) -> None:
        """Let all open feeds and sockets end now, so that the server can stop."""
        for session in self.sessions:
            session.end(Ended.STOPPING)
        for socket in self.sockets:
            socket.stop()

    async def close(self) -> None:
        """End all sessions and sockets, and close the connections. Stop the tasks before."""
        self.end_sessions()
        await self.log.close()
