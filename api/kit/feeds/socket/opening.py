"""Open a feed for a socket by calling the feed's own route, so that it is checked exactly as over HTTP."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import orjson
from starlette.types import ASGIApp, Message, Scope

from api.kit.feeds.handover import HANDOVER, Handover
from api.kit.feeds.hub import Hub
from api.kit.feeds.permit import Permit
from api.kit.feeds.session import Session
from api.kit.feeds.socket.messages import QueryValue, Subscribe

PATH: Final = "/v1/feed/"
OF_THE_HANDSHAKE: Final = (
    b"authorization",
    b"connection",
    b"content-",
    b"cookie",
    b"last-event-id",
    b"sec-",
    b"upgrade",
)
"""Beginnings of the names of headers that concern the socket's own request."""


class Refusal(Exception):  # noqa: N818 - it is an answer of the route
    """A route's refusal.

    Attributes:
        problem: The problem document.
        retry_after_s: After how long the client may try again; None when the route does not say.
    """

    def __init__(self, problem: dict[str, Any], retry_after_s: int | None) -> None:
        super().__init__(problem.get("detail"))
        self.problem = problem
        self.retry_after_s = retry_after_s


async def open_session(hub: Hub, scope: Scope, asked: Subscribe, permit: Permit | None) -> Session:
    """Open a feed with the socket's permit.

    Args:
        hub: All feeds of this process.
        scope: The ASGI scope of the socket: its client's address and headers go with the call.
        asked: The feed, its query parameters, and where to resume.
        permit: The permit of the socket's caller.

    Raises:
        Refusal: when the route refuses.
    """
    handover = Handover(permit)
    answer = _Answer()
    try:
        await _app(scope)(_request(scope, asked, handover), _no_body, answer.send)
    except BaseException:
        if handover.session is not None:
            hub.leave(handover.session)
        raise
    if handover.session is None:
        raise Refusal(orjson.loads(bytes(answer.body)), answer.retry_after_s())
    return handover.session


def _app(scope: Scope) -> ASGIApp:
    app: ASGIApp = scope["app"]
    return app


def _request(scope: Scope, asked: Subscribe, handover: Handover) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if not name.startswith(OF_THE_HANDSHAKE)]
    if handover.permit is not None:
        headers.append((b"authorization", b"Bearer " + handover.permit.credential.encode("latin-1", "replace")))
    if asked.last_event_id is not None:
        headers.append((b"last-event-id", asked.last_event_id.encode("latin-1", "replace")))
    kept = {name: scope[name] for name in ("asgi", "http_version", "client", "server") if name in scope}
    path = PATH + asked.feed
    return {
        **kept,
        "type": "http",
        "method": "GET",
        "scheme": "https" if scope.get("scheme") == "wss" else "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": scope.get("root_path", ""),
        "query_string": urlencode({name: _text(value) for name, value in asked.query.items()}, doseq=True).encode(),
        "headers": headers,
        "state": dict(scope.get("state", {})),
        HANDOVER: handover,
    }


def _text(value: QueryValue) -> str | int | list[str]:
    return str(value).lower() if isinstance(value, bool) else value


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


class _Answer:
    """Collects the answer of a route that refuses."""

    def __init__(self) -> None:
        self.body = bytearray()
        self._headers: dict[bytes, bytes] = {}

    async def send(self, message: Message) -> None:
        """Take a message of the answer."""
        if message["type"] == "http.response.start":
            self._headers = dict(message["headers"])
        self.body += message.get("body", b"")

    def retry_after_s(self) -> int | None:
        """Return the seconds of the Retry-After header."""
        text = self._headers.get(b"retry-after", b"")
        return int(text) if text.isdigit() else None
