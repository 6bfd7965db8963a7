"""Credentials of the client: none, a ready token or API key, or a signed-in session that is refreshed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import httpx

from astratrade_client.errors import AstraTradeError, ProblemError, SignInAgainError
from astratrade_client.models import SignedInAnswer

RENEW_BEFORE_S = 60.0
"""How long before its end a token is replaced; at most half of its life before."""

REFRESH_PAUSE_S = 5.0
"""How long after a refresh that the API did not carry out the next one is sent."""
REFUSED_FOR_NOW = frozenset({429})
"""Answers of an API that did not use the token. A 503 may follow a commit whose outcome the API does not know."""
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

Refresh = Callable[[str], Awaitable[SignedInAnswer]]


class Credentials(Protocol):
    """What the client needs of its credentials."""

    async def token(self) -> str | None:
        """Return a token that is valid now; None for an anonymous client."""

    async def renew(self, refused: str | None) -> str | None:
        """Return a token other than one that was refused; None when there is no other."""


class FixedToken:
    """A ready token, an API key, or nothing. It cannot be renewed."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    async def token(self) -> str | None:
        """Return the token."""
        return self._token

    async def renew(self, refused: str | None) -> str | None:
        """Return None: there is no other token."""
        del refused
        return None


class SignedIn:
    """The tokens of a session. Requests that come together share one refresh.

    A refresh token is good for one refresh. The API takes a second use for theft and ends the session. So a refresh
    is repeated only when the API did not use the token. While the access token is valid, a failed refresh fails no
    request.
    """

    def __init__(self, answer: SignedInAnswer, refresh: Refresh) -> None:
        self._refresh = refresh
        self._refreshing: asyncio.Task[AstraTradeError | None] | None = None
        self._take(answer)

    def _take(self, answer: SignedInAnswer) -> None:
        life_s, now_s = float(answer["expires_in"]), time.monotonic()
        self._access_token = answer["access_token"]
        self.refresh_token = answer["refresh_token"]
        self._is_spent = False
        self._expires_at_s = now_s + life_s
        self._renew_at_s = self._expires_at_s - min(RENEW_BEFORE_S, life_s / 2)

    async def token(self) -> str | None:
        """Return the access token, refreshed when it is about to expire.

        Raises:
            SignInAgainError: the token has expired, and the session cannot be refreshed.
            ProblemError, UnreachableError: the token has expired, and a later refresh may succeed.
        """
        if time.monotonic() >= self._renew_at_s:
            failure = await self._replace()
            if failure is not None and time.monotonic() >= self._expires_at_s:
                raise failure
        return self._access_token

    async def renew(self, refused: str | None) -> str | None:
        """Return a newer access token than the refused one.

        Raises:
            SignInAgainError: the session cannot be refreshed.
            ProblemError, UnreachableError: a later refresh may succeed.
        """
        if self._access_token == refused and (failure := await self._replace()) is not None:
            raise failure
        return self._access_token

    async def _replace(self) -> AstraTradeError | None:
        """Refresh the tokens. A caller that is cancelled meanwhile does not lose them. Return why it failed."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._send(), name="astratrade refresh")
        return await asyncio.shield(self._refreshing)

    async def _send(self) -> AstraTradeError | None:
        if self._is_spent:
            return SignInAgainError("the refresh token was used, and its answer was lost")
        self._is_spent = True
        try:
            self._take(await self._refresh(self.refresh_token))
        except AstraTradeError as exc:
            if not _is_unused(exc):
                again = SignInAgainError(str(exc))
                again.__cause__ = exc
                return again
            self._is_spent = False
            self._renew_at_s = time.monotonic() + REFRESH_PAUSE_S
            return exc
        return None


def _is_unused(failure: AstraTradeError) -> bool:
    """Return whether the API did not use the refresh token that was sent to it."""
    if isinstance(failure, ProblemError):
        return failure.status in REFUSED_FOR_NOW
    return isinstance(failure.__cause__, NOT_SENT)
