"""Credentials of the client: none, a ready token or API key, or a signed-in session that is refreshed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from astratrade_client.models import SignedInAnswer

RENEW_BEFORE_S = 60.0
"""How long before its end a token is replaced; at most half of its life before."""


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

    A refresh token is good for one refresh. The API takes a second use for theft and ends the session, so that a
    refresh is never repeated.
    """

    def __init__(self, answer: SignedInAnswer, refresh: Refresh) -> None:
        self._refresh = refresh
        self._lock = asyncio.Lock()
        self._take(answer)

    def _take(self, answer: SignedInAnswer) -> None:
        life_s = float(answer["expires_in"])
        self._access_token = answer["access_token"]
        self.refresh_token = answer["refresh_token"]
        self._renew_at_s = time.monotonic() + life_s - min(RENEW_BEFORE_S, life_s / 2)

    async def token(self) -> str | None:
        """Return the access token, refreshed when it is about to expire."""
        if time.monotonic() >= self._renew_at_s:
            return await self.renew(self._access_token)
        return self._access_token

    async def renew(self, refused: str | None) -> str | None:
        """Return a newer access token than the refused one."""
        async with self._lock:
            if self._access_token == refused:
                self._take(await self._refresh(self.refresh_token))
            return self._access_token
