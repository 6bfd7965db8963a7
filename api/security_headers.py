"""Security headers of every answer: what a browser may do with it, and who may keep it.

A route's own header wins. So a page states its Content-Security-Policy, and an asset how long it may be cached.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY = (
    "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of HTML pages: scripts and styles are files of this server, and none is inline."""

ANSWER_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""The Content-Security-Policy of all other answers: a browser that shows one loads nothing for it."""

DENIED_FEATURES = (
    "accelerometer",
    "camera",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "payment",
    "usb",
)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": ANSWER_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Headers that every answer gets unless its route sets them. Nothing is cached, since most answers are private or
change each second."""

PAGE_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in DENIED_FEATURES),
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Headers that HTML pages get besides: they say what a page may do, and nothing about other answers. Each header costs
uvicorn about 1 µs."""
HTML = b"text/html"


class SecurityHeaders:
    """Add the security headers to every HTTP answer, also to errors of the server.

    Args:
        app: The application.
        hsts_s: How long browsers shall use TLS alone, in seconds. 0 sends no such header: only an installation that
            clients reach by TLS may promise it.
    """

    def __init__(self, app: ASGIApp, hsts_s: int = 0) -> None:
        self.app = app
        headers = {**HEADERS, **({"Strict-Transport-Security": f"max-age={hsts_s}"} if hsts_s else {})}
        self._headers = _encoded(headers)
        self._page_headers = _encoded(headers | PAGE_HEADERS)
        self._names = frozenset(name for name, _ in self._page_headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and complete the headers of its answer."""

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                wanted, own = self._headers, set()
                for name, value in headers:
                    if name in self._names:
                        own.add(name)
                    elif name == b"content-type" and value.startswith(HTML):
                        wanted = self._page_headers
                headers += [header for header in wanted if header[0] not in own] if own else wanted
            await send(message)

        await self.app(scope, receive, complete if scope["type"] == "http" else send)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
