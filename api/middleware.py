"""ASGI middleware around every request: count it, time it, refuse large bodies."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kit.problems import MEDIA_TYPE, TOO_LARGE, Problem
from api.kit.request_identity import UNMATCHED, method_of, route_of
from api.metrics import Metrics

BODY_BYTES_MAX = 1024 * 1024


class Observe:
    """Counts requests by route, method and status, and measures the time to the first byte, since feeds have no end."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics
        self._known: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and observe the start of the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = route_of(scope)
                method = method_of(scope, UNMATCHED) if route != UNMATCHED else UNMATCHED
                count, observe = self._of(route, method, message["status"])
                count()
                observe(time.perf_counter() - began)
            await send(message)

        await self.app(scope, receive, watch)

    def _of(self, route: str, method: str, status: int) -> tuple[Callable[[], None], Callable[[float], None]]:
        """Return what counts such an answer, and what observes its time. To look labels up takes 5 µs, so keep both."""
        labels = route, method, status
        known = self._known.get(labels)
        if known is None:
            counter = self.metrics.requests.labels(route, method, str(status))
            known = self._known[labels] = counter.inc, self.metrics.seconds.labels(route).observe
        return known


class LimitBody:
    """Answers 413 when a body is larger than `bytes_max`, with or without a Content-Length."""

    def __init__(self, app: ASGIApp, bytes_max: int = BODY_BYTES_MAX) -> None:
        self.app = app
        self.bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while its body stays within the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.bytes_max:
            await self._refuse(scope, receive, send)
            return
        read = 0

        async def count() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.bytes_max:
                raise self._problem()
            return message

        await self.app(scope, count, send)

    def _problem(self) -> Problem:
        return Problem(TOO_LARGE, f"a body may have at most {self.bytes_max} bytes", headers={"Connection": "close"})

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._problem()
        response = JSONResponse(
            problem.document(scope["path"]), problem.kind.status, problem.headers, media_type=MEDIA_TYPE
        )
        await response(scope, receive, send)
