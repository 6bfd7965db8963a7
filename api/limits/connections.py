"""Bound every connection: its number, the size of a request's head, and the time that a client takes to send.

uvicorn bounds none of these for httptools. This protocol adds what is missing and leaves the rest to uvicorn.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.kit.problems import BAD_REQUEST, HEAD_TOO_LARGE, MEDIA_TYPE, REQUEST_TIMEOUT, TOO_MANY_CONNECTIONS, Problem
from api.limits import caps
from api.limits.caps import Caps
from api.limits.client_address import LOCAL, ClientAddresses, group
from api.security_headers import HEADERS

RETRY_AFTER_S = 5
NEVER_S = math.inf


class Connections:
    """Counts the connections of one process, and closes those whose clients take too long.

    Attributes:
        open: The number of open connections.
    """

    def __init__(self, limits: Caps, addresses: ClientAddresses) -> None:
        self._limits = limits
        self._addresses = addresses
        self._by_address: Counter[str] = Counter()
        self.open = 0

    def enter(self, peer: str) -> bool:
        """Count a new connection, and return whether it may stay. `leave` has to follow in either case."""
        address = group(peer)
        self.open += 1
        self._by_address[address] += 1
        if self.open > self._limits.connections_max:
            return False
        return self._by_address[address] <= self._limits.connections_per_address_max or self._addresses.trusts(peer)

    def leave(self, peer: str) -> None:
        """Forget a connection."""
        address = group(peer)
        self.open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    @staticmethod
    def sweep(connections: Iterable[object], now_s: float) -> None:
        """Close the connections whose time to send is over."""
        for connection in list(connections):
            if isinstance(connection, BoundedProtocol) and connection.due_s <= now_s:
                connection.out_of_time(now_s)

    @property
    def protocol(self) -> partial[BoundedProtocol]:
        """Return the factory of the protocol, for uvicorn."""
        return partial(BoundedProtocol, counted=self)


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with a bound on the size of the head and on the time to send.

    Attributes:
        due_s: The event loop's time at which the client must have sent what it has begun; never while the API is at
            work.
    """

    def __init__(self, *args: Any, counted: Connections, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._counted = counted
        self._peer = LOCAL
        self._refusal: Problem | None = None
        self._refused = False
        self._in_head = True
        self._head_begun = False
        self._chunk_bytes = 0
        self._bytes = 0
        """Bytes of this head or body in earlier chunks. A chunk in which a head begins does not count, because the head
        may begin at its end."""
        self.due_s = NEVER_S

    # --- the connection -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Take the connection, or refuse it when there are too many."""
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else LOCAL
        self.due_s = self.loop.time() + caps.HEAD_TIMEOUT_S
        if not self._counted.enter(self._peer):
            self._refuse(Problem(TOO_MANY_CONNECTIONS, "too many connections are open", headers=_RETRY))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._counted.leave(self._peer)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to the WebSocket protocol, and forget it when that one ends."""
        super().handle_websocket_upgrade()
        self.due_s = NEVER_S
        upgraded: Any = self.transport.get_protocol()
        ended = upgraded.connection_lost

        def lost(exc: Exception | None) -> None:
            self._counted.leave(self._peer)
            ended(exc)

        upgraded.connection_lost = lost

    def out_of_time(self, now_s: float) -> None:
        """End the connection because its client is too slow; give it more time when the API itself has paused it."""
        if self._refused:
            self.transport.abort()
        elif self.flow.read_paused:
            self.due_s = now_s + caps.BODY_TIMEOUT_S
        elif self._head_begun and not self._answered:
            part = "headers" if self._in_head else "body"
            self._refuse(Problem(REQUEST_TIMEOUT, f"the {part} did not arrive in time"))
        else:
            self.transport.close()

    # --- what arrives -------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Parse what arrives, within the bounds."""
        if self._refused:
            return
        self._chunk_bytes = len(data)
        if self.due_s == NEVER_S and (self.cycle is None or self.cycle.response_complete):
            self.due_s = self.loop.time() + caps.HEAD_TIMEOUT_S
        super().data_received(data)
        self._bytes += len(data)
        if self._in_head:
            if self._bytes > caps.HEAD_BYTES_MAX:
                self._refuse(_head_too_large())
        elif self._bytes > caps.BODY_WIRE_BYTES_MAX and self.due_s < NEVER_S:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Begin a request, and the time for its headers."""
        super().on_message_begin()
        if self._head_begun:  # not the first one, whose time began with the connection
            self.due_s = self.loop.time() + caps.HEAD_TIMEOUT_S
        self._in_head = self._head_begun = True
        self._bytes = -self._chunk_bytes

    def on_headers_complete(self) -> None:
        """Begin the time for the body."""
        may_be_too_large = max(0, self._bytes) + self._chunk_bytes > caps.HEAD_BYTES_MAX
        if may_be_too_large and self._head_bytes() > caps.HEAD_BYTES_MAX:
            self._refusal = _head_too_large()
            raise ValueError(self._refusal.detail)  # uvicorn calls `send_400_response`
        self._in_head = False
        self._bytes = 0
        self.due_s = self.loop.time() + caps.BODY_TIMEOUT_S
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the time for the body."""
        super().on_message_complete()
        answered = self.cycle is not None and self.cycle.response_complete
        self.due_s = self.loop.time() + caps.KEEP_ALIVE_S if answered else NEVER_S

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    # --- refusals -----------------------------------------------------------------------------------------------------

    @property
    def _answered(self) -> bool:
        """Return whether the answer to the request whose body is due has begun."""
        return not self._in_head and self.cycle is not None and self.cycle.response_started

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that cannot be parsed, or is too large."""
        self._refuse(self._refusal or Problem(BAD_REQUEST, msg))

    def _refuse(self, problem: Problem) -> None:
        """Answer with a problem document and close; wait a moment, so that a client that still sends can read it."""
        if self._refused or self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete and self.cycle.response_started:
            self.transport.abort()
            return
        self._refused = True
        self.due_s = self.loop.time() + caps.LINGER_S
        self.transport.write(_answer(problem))
        if self.cycle is not None:  # the application gets to know that there is no client any more
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()


_RETRY = {"Retry-After": str(RETRY_AFTER_S)}


def _head_too_large() -> Problem:
    return Problem(HEAD_TOO_LARGE, f"the request line and headers may have at most {caps.HEAD_BYTES_MAX} bytes")


def _answer(problem: Problem) -> bytes:
    status, body = HTTPStatus(problem.kind.status), orjson.dumps(problem.document("*"))
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        "connection: close",
        *(f"{name.lower()}: {value}" for name, value in {**HEADERS, **problem.headers}.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
