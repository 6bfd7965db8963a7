"""Requests: with the token, repeated while that is safe, refused with a `ProblemError`."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, cast

import httpx

from astratrade_client.credentials import Credentials
from astratrade_client.errors import ProblemError, UnexpectedAnswerError, UnreachableError
from astratrade_client.models import ProblemDocument
from astratrade_client.retry import Retry, retry_after_s

PASSING = frozenset({408, 425, 429, 502, 503, 504})
"""Answers after which the same request may succeed."""
NOT_YET_VISIBLE = "not-yet-visible"
UNAUTHENTICATED = "unauthenticated"
"""The kind of problem that a new token mends. Other problems with status 401 refuse a password or a proof."""


class Http:
    """Sends requests.

    Attributes:
        client: The HTTP client; feeds over HTTP use it, too.
        credentials: Whose requests they are. Signing in replaces them.
    """

    def __init__(self, client: httpx.AsyncClient, credentials: Credentials, retry: Retry) -> None:
        self.client = client
        self.credentials = credentials
        self._retry = retry

    async def call(self, method: str, path: str, *, repeat: bool = True, **request: Any) -> dict[str, Any]:
        """Send a request and return its answer.

        Args:
            method: The HTTP method.
            path: The path below the API's URL.
            repeat: Whether a second sending has no second effect. Queries and commands with an Idempotency-Key repeat.
            request: Further arguments of `httpx.AsyncClient.request`.

        Raises:
            ProblemError: when the API refuses the request.
            UnreachableError: when there is no answer.
        """
        attempts, renewed = self._retry.begin(), False
        while True:
            token = await self.credentials.token()
            wait_s: float | None = None
            try:
                response = await self._send(method, path, token, **request)
            except httpx.TransportError as exc:
                failed: Exception = exc
                trouble = f"no answer from {self.client.base_url} ({exc or type(exc).__name__})"
            else:
                if response.is_success:
                    return _object(response)
                failed = problem = problem_of(response)
                if problem.kind == UNAUTHENTICATED and not renewed:
                    renewed = True
                    if await self.credentials.renew(token):
                        continue
                if response.status_code not in PASSING or problem.kind == NOT_YET_VISIBLE:
                    raise problem
                trouble, wait_s = str(problem), problem.retry_after_s
            pause_s = attempts.pause_s(wait_s) if repeat else None
            if pause_s is None:
                if isinstance(failed, ProblemError):
                    raise failed
                raise UnreachableError(trouble) from failed
            self._retry.say(f"{trouble}; again in {pause_s:.2g} s")
            await asyncio.sleep(pause_s)

    async def _send(self, method: str, path: str, token: str | None, **request: Any) -> httpx.Response:
        headers = {**request.pop("headers", {}), **({} if token is None else {"Authorization": f"Bearer {token}"})}
        return await self.client.request(method, path, headers=headers, **request)


def problem_of(response: httpx.Response) -> ProblemError:
    """Return the problem of an answer; one made up from its status when it has no problem document."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict) or not {"type", "title", "status", "detail"} <= document.keys():
        text = " ".join(response.text.split())[:400]
        document = {
            "type": "about:blank",
            "title": response.reason_phrase,
            "status": response.status_code,
            "detail": text,
            "instance": response.request.url.path,
        }
    return ProblemError(cast("ProblemDocument", document), retry_after_s(response.headers))


def _object(response: httpx.Response) -> dict[str, Any]:
    if response.status_code == HTTPStatus.NO_CONTENT or not response.content:
        return {}
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise UnexpectedAnswerError(f"{response.request.url} does not answer as the AstraTrade API does")
    return body
