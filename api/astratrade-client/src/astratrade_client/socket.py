"""All feeds of a client over one WebSocket, which connects again and resumes by itself."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from astratrade_client.changes import Change, FeedState, Query, Resync
from astratrade_client.credentials import Credentials
from astratrade_client.errors import AstraTradeError, FeedEndedError, ProblemError, SignInAgainError, UnreachableError
from astratrade_client.http import PASSING
from astratrade_client.models import ProblemDocument
from astratrade_client.retry import Attempts, Retry, retry_after_s

CHANGES_WAITING_MAX = 1_000
"""Changes that wait for a reader. A slower reader gets `Resync` and a new snapshot, and delays no other feed."""
MESSAGE_BYTES_MAX = 64 * 1024 * 1024
SILENT_S = 15.0
"""The API says something at least every 5 s for each subscription."""
OPEN_TIMEOUT_S = 10.0
RENEW_PAUSE_S = 5.0
SLOW_READER = "slow_reader"

Message = dict[str, Any]


class Subscription:
    """One feed of the socket, over all its connections.

    Attributes:
        name: Its name on the present connection. Each `subscribe` draws a new name, so that the client can drop late
            messages of an earlier subscription.
    """

    def __init__(self, feed: str, query: Mapping[str, Query], state: FeedState) -> None:
        self.feed = feed
        self.query = query
        self.state = state
        self.name = ""
        self.waiting: asyncio.Queue[Change | AstraTradeError] = asyncio.Queue()

    def request(self, name: str) -> Message:
        """Return the message that subscribes, under a name."""
        self.name = name
        self.state.reconnect()
        query = {key: value if isinstance(value, str | int) else list(value) for key, value in self.query.items()}
        message: Message = {"type": "subscribe", "subscription": name, "feed": self.feed, "query": query}
        if self.state.last_id is not None:
            message["last_event_id"] = self.state.last_id
        return message

    def restart(self, why: str) -> None:
        """Drop what waits for the reader, and start with a new snapshot."""
        while not self.waiting.empty():
            self.waiting.get_nowait()
        self.state.last_id = None
        self.waiting.put_nowait(Resync(why))


class Socket:
    """Connects while there are subscriptions."""

    def __init__(self, url: str, credentials: Credentials, retry: Retry) -> None:
        self.url = url.replace("http", "ws", 1) + "/v1/ws"
        self.credentials = credentials
        self._retry = retry
        self._subscriptions: dict[str, Subscription] = {}
        self._names = itertools.count(1)
        self._connection: ClientConnection | None = None
        self._token: str | None = None
        self._renewed = False
        self._signed_out: SignInAgainError | None = None
        self._running: asyncio.Task[None] | None = None
        self._later: set[asyncio.Task[None]] = set()

    async def follow(self, feed: str, query: Mapping[str, Query], state: FeedState) -> AsyncGenerator[Change]:
        """Yield the changes of a feed.

        Raises:
            ProblemError: when the API refuses the feed.
            FeedEndedError: when the right to a private feed has ended.
            UnreachableError: when there is no connection for the client's patience.
        """
        subscription = Subscription(feed, query, state)
        try:
            await self._subscribe(subscription)
            while True:
                change = await subscription.waiting.get()
                if isinstance(change, AstraTradeError):
                    raise change
                yield change
        finally:
            await self._unsubscribe(subscription)

    async def close(self) -> None:
        """Close the connection, and end the feeds that are still followed."""
        for task in (*self._later, *([self._running] if self._running else [])):
            task.cancel()
            await asyncio.wait({task})
        self._running = None
        self._fail(UnreachableError(f"the client of {self.url} is closed"))

    # --- subscriptions ------------------------------------------------------------------------------------------------

    async def _subscribe(self, subscription: Subscription) -> None:
        request = subscription.request(str(next(self._names)))
        self._subscriptions[subscription.name] = subscription
        if self._connection is not None:
            await self._send(request)
        elif self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(), name="astratrade socket")

    async def _unsubscribe(self, subscription: Subscription) -> None:
        if self._subscriptions.pop(subscription.name, None) is not None:
            await self._send({"type": "unsubscribe", "subscription": subscription.name})

    async def _again(self, subscription: Subscription, after_s: float = 0.0) -> None:
        """Subscribe under a new name, unless the reader has left meanwhile."""
        if self._subscriptions.pop(subscription.name, None) is None:
            return
        request = subscription.request(str(next(self._names)))
        self._subscriptions[subscription.name] = subscription
        await asyncio.sleep(after_s)
        if subscription.name in self._subscriptions:
            await self._send(request)

    def _soon(self, subscription: Subscription, after_s: float = 0.0) -> None:
        self._later_on(self._again(subscription, after_s))

    def _later_on(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _send(self, message: Message) -> None:
        if self._connection is not None:
            try:
                await self._connection.send(json.dumps(message))
            except ConnectionClosed:
                return  # the next connection subscribes again

    # --- the connection -----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            await self._keep_connected()
        except AstraTradeError as error:
            self._fail(error)
        except Exception as exc:
            self._fail(UnreachableError(f"the socket of {self.url} failed: {exc!r}"))
            raise
        finally:
            self._connection = None

    def _fail(self, error: AstraTradeError) -> None:
        for subscription in self._subscriptions.values():
            subscription.waiting.put_nowait(error)
        self._subscriptions.clear()

    async def _keep_connected(self) -> None:
        attempts = self._retry.begin()
        while self._subscriptions:
            wait_s = None
            try:
                async with self._connected() as connection:
                    attempts = await self._serve(connection, attempts)
            except InvalidStatus as exc:
                if exc.response.status_code not in PASSING:
                    raise UnreachableError(f"{self.url} answers {exc.response.status_code}, not a WebSocket") from exc
                wait_s = retry_after_s(exc.response.headers)
            except ProblemError as problem:  # of a refresh
                if problem.status not in PASSING:
                    raise
                wait_s = problem.retry_after_s
            except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed, UnreachableError):
                wait_s = None
            finally:
                self._connection = None
            if self._subscriptions:
                await self._pause(attempts, wait_s)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[ClientConnection]:
        """Connect while the block runs."""
        opened = connect(
            self.url,
            max_size=MESSAGE_BYTES_MAX,
            open_timeout=OPEN_TIMEOUT_S,
            compression=None,
            proxy=None,
            user_agent_header="astratrade-client",
        )
        async with opened as connection:
            try:
                yield connection
                await connection.close()
            except asyncio.CancelledError:
                connection.transport.abort()  # else a close that is cancelled leaves the connection open
                raise

    async def _pause(self, attempts: Attempts, wait_s: float | None) -> None:
        pause_s = attempts.pause_s(wait_s)
        if pause_s is None:
            raise UnreachableError(f"there is no connection to {self.url}")
        self._retry.say(f"the connection to {self.url} is lost; again in {pause_s:.2g} s")
        await asyncio.sleep(pause_s)

    async def _serve(self, connection: ClientConnection, attempts: Attempts) -> Attempts:
        """Authenticate, subscribe to everything, and hand out what comes until nothing comes any more."""
        self._connection = connection
        self._signed_out = None
        self._token = await self.credentials.token()
        if self._token is not None:
            await self._send({"type": "authenticate", "token": self._token})
        names = list(self._subscriptions)
        for name in names:
            subscription = self._subscriptions.pop(name, None)
            if subscription is not None:
                request = subscription.request(str(next(self._names)))
                self._subscriptions[subscription.name] = subscription
                await self._send(request)
        while self._subscriptions:
            # `asyncio.wait_for` of Python 3.11 loses a cancellation that comes together with a message.
            async with asyncio.timeout(SILENT_S):
                received = await connection.recv()
            message: Message = json.loads(received)
            if message["type"] == "event":
                attempts = self._retry.begin()
            await self._take(message)
        return attempts

    async def _take(self, message: Message) -> None:
        subscription = self._subscriptions.get(message.get("subscription") or "")
        match message["type"]:
            case "event" if subscription is not None:
                self._hand_out(subscription, message)
            case "ended" if subscription is not None:
                self._ended(subscription, message["why"])
            case "problem" if subscription is not None:
                self._refused(subscription, message)
            case "problem" if message["problem"]["status"] == HTTPStatus.UNAUTHORIZED and not self._renewed:
                self._renewed = True
                await self._renew()
            case "authenticated":
                self._renewed = False
            case "expiring":
                await self._renew()

    def _hand_out(self, subscription: Subscription, message: Message) -> None:
        resume = {"id": message["id"]} if "id" in message else {}
        change = subscription.state.change(message["event"], message["data"], **resume)
        if change is not None:
            subscription.waiting.put_nowait(change)
        if subscription.waiting.qsize() > CHANGES_WAITING_MAX:
            subscription.restart(SLOW_READER)
            self._soon(subscription)

    def _ended(self, subscription: Subscription, why: str) -> None:
        """Subscribe again, unless the right to the feed has ended for good."""
        if why in {"expired", "revoked"} and (why == "revoked" or self._token is None):
            self._end(subscription, FeedEndedError(subscription.feed, why))
        elif why == "expired" and self._signed_out is not None:
            self._end(subscription, self._signed_out)
        elif why == "expired":
            self._soon(subscription, 1.0)  # a newer token is on its way, or the feed will be refused
        else:
            self._soon(subscription)

    def _refused(self, subscription: Subscription, message: Message) -> None:
        problem = ProblemError(cast("ProblemDocument", message["problem"]), message.get("retry_after_s"))
        if problem.status in PASSING:
            self._soon(subscription, problem.retry_after_s or 1.0)
        else:
            self._end(subscription, problem)

    def _end(self, subscription: Subscription, error: AstraTradeError) -> None:
        self._subscriptions.pop(subscription.name, None)
        subscription.waiting.put_nowait(error)

    async def _renew(self, after_s: float = 0.0) -> None:
        """Send a newer token. While there is none, try again; without it the API ends private feeds, and no others."""
        await asyncio.sleep(after_s)
        if self._connection is None:
            return  # the next connection authenticates
        try:
            token = await self.credentials.renew(self._token)
        except SignInAgainError as error:
            self._signed_out = error
            self._retry.say(str(error))
        except AstraTradeError as error:
            self._retry.say(f"{error}; the token is renewed again in {RENEW_PAUSE_S:.0f} s")
            self._later_on(self._renew(RENEW_PAUSE_S))
        else:
            if token is not None:
                self._token = token
                await self._send({"type": "authenticate", "token": token})
