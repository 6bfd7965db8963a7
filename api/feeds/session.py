"""One client's feed as server-sent events: snapshot, deltas, progress marks, and `resync` when it must start afresh.

Every `id` is the ``epoch:sequence`` up to which the client knows everything; sent back as Last-Event-ID it continues
there without gap or duplicate. Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

import orjson

from api.feeds.follower import Follower
from api.feeds.subscriber import PENDING_CHANGES_MAX, Lost, Subscriber
from api.feeds.views import View
from api.metrics import Metrics
from streams.log import LogUnavailableError, Position, UnknownTopicError

PROGRESS_EVERY_S = 5.0
RETRY_S = 1.0
RECONNECT = b"retry: 1000\n\n"
BYE = b": the server is stopping; connect again\n\n"


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event; `rows` is for the metrics. An empty id makes the client forget the one it had."""

    event: str
    data: bytes
    id: str | None = None
    rows: int = 0

    def encode(self) -> bytes:
        """As bytes; the data is one line of JSON."""
        id_line = b"" if self.id is None else b"id: " + self.id.encode() + b"\n"
        return b"event: " + self.event.encode() + b"\ndata: " + self.data + b"\n" + id_line + b"\n"


class Session:
    """A client's subscription, from its first event to its last."""

    def __init__(
        self,
        name: str,
        follower: Follower,
        view: View,
        metrics: Metrics,
        *,
        last_event_id: str | None = None,
        pending_max: int = PENDING_CHANGES_MAX,
    ) -> None:
        self.name = name
        self.follower = follower
        self.view = view
        self.metrics = metrics
        self.subscriber = Subscriber(view.channels, pending_max=pending_max)
        self.closing = False
        self._resume_from = last_event_id
        self._current = False

    async def open(self) -> None:
        """Join the follower.

        Raises:
            LogUnavailableError: when the topic cannot be read just now.
        """
        await self.follower.join(self.subscriber)
        self.metrics.subscribers.labels(self.name).inc()

    def leave(self) -> None:
        """Leave the follower."""
        self.follower.leave(self.subscriber)
        self.metrics.subscribers.labels(self.name).dec()
        self.metrics.conflated.labels(self.name).inc(self.subscriber.conflated)

    def close(self) -> None:
        """End the feed at its next event."""
        self.closing = True
        self.subscriber.wake()

    async def frames(self) -> AsyncGenerator[bytes]:
        """The feed as bytes, until the session is closed or the client proved too slow."""
        yield RECONNECT
        while not self.closing:
            try:
                async for frame in self._step():
                    self.metrics.deltas.labels(self.name).inc(frame.rows)
                    yield frame.encode()
            except (LogUnavailableError, UnknownTopicError):
                self._current = False
                self.subscriber.restart()
                yield self._mark().encode()
                await asyncio.sleep(RETRY_S)
            if self.subscriber.lost is Lost.SLOW and not self._current:
                return
        yield BYE

    async def _step(self) -> AsyncIterator[Frame]:
        """What is to be told next; waits when there is nothing."""
        if self._resume_from is not None:
            if why := await self._resume(self._resume_from):
                yield self._resync(why)
            self._resume_from = None
        elif self.subscriber.lost is not None:
            yield self._resync(self.subscriber.lost)
        elif not self._current:
            async for frame in self._snapshot():
                yield frame
        else:
            async for frame in self._news():
                yield frame

    async def _resume(self, tag: str) -> Lost | None:
        try:
            since = Position.parse_tag(self.follower.topic, tag)
        except ValueError:
            return Lost.MALFORMED
        await self.view.resume()
        why = await self.follower.catch_up(self.subscriber, since)
        self._current = why is None
        return why

    def _resync(self, why: Lost) -> Frame:
        self.metrics.resyncs.labels(self.name, why).inc()
        self._current = False
        if why is not Lost.SLOW:
            self.subscriber.restart()
        return Frame("resync", orjson.dumps({"why": why}), id="")

    async def _snapshot(self) -> AsyncIterator[Frame]:
        await self.follower.reading()
        self.subscriber.restart()
        async for rows in self.view.snapshot(self.follower, self.subscriber):
            yield Frame("snapshot", b'{"last":false,"rows":[' + b",".join(rows) + b"]}", rows=len(rows))
        if self.subscriber.lost is None and self.subscriber.floor is not None:
            self._current = True
            yield Frame("snapshot", b'{"last":true,"rows":[]}', id=self.subscriber.floor.tag)

    async def _news(self) -> AsyncIterator[Frame]:
        woken = await self.subscriber.wait(PROGRESS_EVERY_S)
        reached = self.follower.sequence(self.subscriber)
        if self.closing or self.subscriber.lost is not None or reached is None:
            return
        changes = self.subscriber.take()
        data = await self.view.delta(changes, reached, self.subscriber) if changes else None
        tag = self.subscriber.at_least(reached).tag
        if data is not None:
            yield Frame("delta", data, id=tag, rows=len(changes))
        elif not woken or self.follower.stalled:
            yield self._mark(tag)

    def _mark(self, tag: str | None = None) -> Frame:
        return Frame("progress", orjson.dumps({"stalled": self.follower.stalled}), id=tag)
