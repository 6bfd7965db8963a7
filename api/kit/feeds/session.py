"""One client's feed as events: snapshot, deltas, progress marks, and `resync` when it must start again.

Every `id` seals the position up to which the client knows all changes. Sent back, it resumes the feed there, without
gap or duplicate. The session does not know how its events are encoded and sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import ExitStack
from enum import StrEnum
from time import monotonic
from types import TracebackType
from typing import Self

import orjson
from faust_redis.log import LogUnavailableError, UnknownTopicError

from api.kit.clock import now
from api.kit.feeds.event import FORGET_ID, FeedEvent
from api.kit.feeds.feed_offset import parse_tag
from api.kit.feeds.follower import Follower
from api.kit.feeds.permit import Lapse, Right
from api.kit.feeds.subscriber import ResyncReason, Subscriber
from api.kit.feeds.views import View, ViewEndedError
from api.kit.tracing import Deliveries, Delivery
from api.metrics import Metrics

PENDING_CHANGES_MAX = 10_000  # rows that wait for one client; a few megabytes
PROGRESS_EVERY_S = 5.0
SEND_TIMEOUT_S = 20.0
TICK_S = 0.5
RETRY_S = 1.0


class Ended(StrEnum):
    """Why a session ended, beside the lapses of the right to it."""

    STOPPING = "stopping"  # the server stops; the client resumes at another process
    SLOW = "slow"  # the client did not read fast enough


class Sending:
    """Measures how long the client's system takes to accept an event. Entered once for the whole connection."""

    def __init__(self) -> None:
        self.since_s: float | None = None
        self._patience = asyncio.timeout(None)

    async def __aenter__(self) -> Self:
        await self._patience.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._patience.__aexit__(kind, error, trace)

    def give_up_after(self, timeout_s: float, now_s: float) -> None:
        """Raise TimeoutError in the sending task when an event has been unaccepted for too long."""
        if self.since_s is not None and now_s - self.since_s > timeout_s:
            self.since_s = None  # ask once: a time-out that fires cannot be moved
            self._patience.reschedule(now_s)


class Session:
    """The subscription of one client, from its first event to its last.

    Attributes:
        sending: How long the connection has been waiting for the client. Sessions of one socket share it.
        ended: Why the session ended or is about to; None while it goes on.
        held: Resources that the session releases when it ends.
    """

    def __init__(
        self,
        name: str,
        follower: Follower,
        view: View,
        metrics: Metrics,
        *,
        last_event_id: str | None = None,
        right: Right | None = None,
        deliveries: Deliveries | None = None,
    ) -> None:
        self.name = name
        self.follower = follower
        self.view = view
        self.metrics = metrics
        self.subscriber = Subscriber(view.channels, pending_max=PENDING_CHANGES_MAX)
        self.ended: Ended | Lapse | None = None
        self.sending = Sending()
        self.held = ExitStack()
        self._right = right
        self._deliveries = deliveries
        self._under_way: Sequence[Delivery] = ()
        self._rows_sent = metrics.deltas.labels(name)
        self._resume_from = last_event_id
        self._current = False
        self._sent_s = 0.0
        self._mark_due = False

    async def open(self) -> None:
        """Join the follower.

        Raises:
            LogUnavailableError: when the topic cannot be read just now.
        """
        await self.follower.join(self.subscriber)
        self.metrics.subscribers.labels(self.name).inc()

    def leave(self) -> None:
        """Leave the follower, and give back what the session holds."""
        self.held.close()
        self.follower.leave(self.subscriber)
        self.metrics.subscribers.labels(self.name).dec()
        self.metrics.conflated.labels(self.name).inc(self.subscriber.conflated)

    def end(self, why: Ended | Lapse) -> None:
        """End the feed at its next event."""
        self.ended = self.ended or why
        self.subscriber.wake()

    def tick(self, now_s: float) -> None:
        """Ask for a progress mark when nothing was sent for a while, and drop a client that reads nothing.

        The feed ends when the right to it has lapsed. The hub's clock calls this for all sessions, which costs less
        than a timer for each event.
        """
        if self._right is not None and (why := self._right.lapsed(now())):
            self.end(why)
        if self.sending.since_s is not None:
            self.sending.give_up_after(SEND_TIMEOUT_S, now_s)
        elif now_s - self._sent_s >= PROGRESS_EVERY_S - TICK_S:
            self._mark_due = True
            self.subscriber.wake()

    async def events(self) -> AsyncGenerator[FeedEvent]:
        """Yield the feed until it ends; `ended` then says why."""
        clock = asyncio.get_running_loop().time
        while self.ended is None:
            try:
                if self._current and self.subscriber.lost is None:
                    event = await self._next_event()
                    if event is not None:
                        self._sent_s = clock()
                        yield event
                        self._note_delivered()
                else:
                    async for event in self._catch_up():
                        self._sent_s = clock()
                        yield event
            except (LogUnavailableError, UnknownTopicError):
                self._current = False
                self.subscriber.restart()
                yield self._mark()
                await asyncio.sleep(RETRY_S)
            except ViewEndedError:
                self.end(Lapse.CHANGED)
            if self.subscriber.lost is ResyncReason.SLOW and not self._current:
                self.end(Ended.SLOW)

    def _note_delivered(self) -> None:
        """Record the deliveries of the last event. The client's connection has taken it."""
        if self._under_way and self._deliveries is not None:
            self._deliveries.end(self.name, self.follower.topic, self._under_way)
            self._under_way = ()

    async def _catch_up(self) -> AsyncIterator[FeedEvent]:
        """Yield the events that bring the client up to date: resumed changes, a resync, or a snapshot."""
        if self._resume_from is not None:
            if why := await self._resume(self._resume_from):
                yield self._resync(why)
            self._resume_from = None
        elif self.subscriber.lost is not None:
            yield self._resync(self.subscriber.lost)
        else:
            async for event in self._snapshot():
                yield event

    async def _resume(self, tag: str) -> ResyncReason | None:
        try:
            since, evidence = parse_tag(self.follower.topic, self.follower.ids.open(tag))
        except ValueError:
            return ResyncReason.MALFORMED
        await self.view.resume()
        why = await self.follower.catch_up(self.subscriber, since, evidence)
        self._current = why is None
        return why

    def _resync(self, why: ResyncReason) -> FeedEvent:
        self.metrics.resyncs.labels(self.name, why).inc()
        self._current = False
        if why is not ResyncReason.SLOW:
            self.subscriber.restart()
        return FeedEvent("resync", orjson.dumps({"why": why}), FORGET_ID)

    async def _snapshot(self) -> AsyncIterator[FeedEvent]:
        await self.follower.reading()
        self.subscriber.restart()
        async for rows in self.view.snapshot(self.follower, self.subscriber):
            self._rows_sent.inc(len(rows))
            yield FeedEvent("snapshot", b'{"last":false,"rows":[' + b",".join(rows) + b"]}")
        floor, delivered = self.subscriber.floor, self.follower.delivered
        if self.subscriber.lost is None and floor is not None and delivered is not None:
            self._current = True
            yield FeedEvent("snapshot", b'{"last":true,"rows":[]}', self.follower.ids.seal(delivered.tag(floor)))

    async def _next_event(self) -> FeedEvent | None:
        """Wait for the next event and return it; None when there is nothing to send after all."""
        await self.subscriber.wait()
        delivered = self.follower.delivered
        if self.ended is not None or self.subscriber.lost is not None or delivered is None:
            return None
        due, self._mark_due = self._mark_due, False
        since_s, changes = self.subscriber.since_s, self.subscriber.take()
        if self._deliveries is not None:
            self._under_way = self._deliveries.begin(changes)
        data = await self.view.delta(changes, delivered.position, self.subscriber) if changes else None
        tag = self.follower.ids.seal(self.subscriber.resume_id(delivered))
        if data is not None:
            self._rows_sent.inc(len(changes))
            self.metrics.feed_delay.observe(monotonic() - since_s)
            return self.follower.delta(data, tag)
        return self._mark(tag) if due or self.follower.stalled else None

    def _mark(self, tag: str | None = None) -> FeedEvent:
        return FeedEvent("progress", orjson.dumps({"stalled": self.follower.stalled}), tag)
