"""Give each request an id and a place in its trace, and say both in the answer, in log lines and in problem documents.

Source: https://www.w3.org/TR/trace-context/ (version 00), and its Level 2 draft for `traceresponse`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.trace_context import SPAN_BYTES, TRACE_BYTES, span_of

REQUEST_ID = "X-Request-Id"
REQUEST_ID_CHARS_MAX = 128
NO_TRACE = "0" * 2 * TRACE_BYTES
NO_SPAN = "0" * 2 * SPAN_BYTES
SAMPLED = 1
UNMATCHED = "(none)"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_ID = re.compile(rb"[A-Za-z0-9._:-]{1,%d}" % REQUEST_ID_CHARS_MAX)
_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_FIRST_VERSION: Final = b"00"
_FORBIDDEN_VERSION: Final = b"ff"


class RequestIdentity(NamedTuple):
    """The names of a request.

    Attributes:
        request_id: The client's `X-Request-Id`, or a new one.
        traceparent: The trace of the client, or a new one, with the span of this request. Its events follow from it.
        parent_id: The client's span; empty when it named none.
    """

    request_id: str
    traceparent: str
    parent_id: str = ""

    @property
    def trace_id(self) -> str:
        """Return the id of the trace."""
        return span_of(self.traceparent).trace_id


current: ContextVar[RequestIdentity | None] = ContextVar("current request", default=None)
"""The request that the running task serves; None outside of requests."""

caller: ContextVar[str] = ContextVar("caller of the current request", default="")
"""The user who sends it; empty until the caller is identified, and for an anonymous one."""


def trace_of(header: bytes | None) -> tuple[str, str, str] | None:
    """Return trace id, span id and flags of a `traceparent` header; None when it has none that is valid.

    A header of a later version counts by its first four fields, as the specification says. The only flag of version 00
    is `sampled`, so all other bits are dropped.
    """
    match = None if header is None else _PARENT.fullmatch(header)
    if match is None:
        return None
    version, trace, span, flags, more = match.groups()
    if version == _FORBIDDEN_VERSION or (version == _FIRST_VERSION and more):
        return None
    trace_id, span_id = trace.decode(), span.decode()
    if trace_id == NO_TRACE or span_id == NO_SPAN:
        return None
    return trace_id, span_id, f"{int(flags, 16) & SAMPLED:02x}"


def name_request(headers: Iterable[tuple[bytes, bytes]], sampled: bool | None = None) -> RequestIdentity:
    """Return the id and the place in a trace of a request with these headers.

    A client that sends no `traceparent`, an invalid one, or two of them, gets a new trace. An `X-Request-Id` that is
    missing or not valid is replaced by the id of the request's span.

    Args:
        headers: The headers of the request.
        sampled: Whether this process records the trace. None, where it records none, passes on the client's flag.
    """
    parents, given = [], None
    for name, value in headers:
        if name == b"traceparent":
            parents.append(value)
        elif name == b"x-request-id":
            given = value
    fresh = os.urandom(TRACE_BYTES + SPAN_BYTES).hex()
    span, new_trace = fresh[: 2 * SPAN_BYTES], fresh[2 * SPAN_BYTES :]
    known = trace_of(parents[0]) if len(parents) == 1 else None
    trace, parent, flags = known or (new_trace, "", "00")
    if sampled is not None:
        flags = f"{sampled:02x}"
    request_id = given.decode() if given is not None and _ID.fullmatch(given) else span
    return RequestIdentity(request_id, f"00-{trace}-{span}-{flags}", parent)


def current_traceparent() -> str | None:
    """Return the trace context of the request that the running task serves; None outside of requests."""
    identity = current.get()
    return None if identity is None else identity.traceparent


def route_of(scope: Scope) -> str:
    """Return the template of a request's route, such as `/v1/users/{user_id}`. Return UNMATCHED without a route."""
    return str(getattr(scope.get("route"), "path", UNMATCHED))


def method_of(scope: Scope, other: str) -> str:
    """Return a request's method; `other` for one that the API does not know, since a client may send any word."""
    method = str(scope["method"])
    return method if method in METHODS else other


class NameRequests:
    """Names each request, also in the headers `x-request-id` and `traceresponse` of the answer."""

    def __init__(self, app: ASGIApp, samples: Callable[[], bool] | None = None) -> None:
        """Wrap an application; `samples` says whether to record a trace, where this process records traces."""
        self.app = app
        self._samples = samples

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its names."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        identity = name_request(scope["headers"], None if self._samples is None else self._samples())
        current.set(identity)
        caller.set("")

        async def name(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += (
                    (b"x-request-id", identity.request_id.encode()),
                    (b"traceresponse", identity.traceparent.encode()),
                )
            await send(message)

        await self.app(scope, receive, name)
