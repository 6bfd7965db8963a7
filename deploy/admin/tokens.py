"""Issue access tokens for an installation, signed by its signing key. Each one is in the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from http import HTTPStatus

import httpx

from api.auth import Role, mint
from api.identity import audit
from api.identity.key_ring import KeyRing
from api.identity.signing_keys import load_keys
from api.kit.clock import now
from deploy.admin.identity import opened_identity
from deploy.settings import Settings
from streams.times import SECOND_US, Instant

DEV_USER = "trader-1"
DEV_VENUE = "venue-1"  # the venue is part of the identity of replayed fills
RENEWED_BEFORE_S = 60


def issue(settings: Settings, subject: str, role: Role, *, ttl_s: int | None = None) -> str:
    """Return a token for a subject in a role, valid from now for `ttl_s` seconds or the configured time.

    Raises:
        StoreError: the database of accounts cannot be used.
        WrongSecretError: another secret sealed the signing keys.
    """
    return asyncio.run(_issue(settings, subject, role, settings.token_ttl_s if ttl_s is None else ttl_s))


async def _issue(settings: Settings, subject: str, role: Role, ttl_s: int) -> str:
    async with opened_identity(settings) as (store, seal), store.work(now()) as work:
        key = KeyRing(await load_keys(work.connection, seal)).signing(work.now)
        detail = {"role": role.value, "ttl_s": ttl_s, "kid": key.kid}
        await audit.record(work, actor=audit.SYSTEM, action="token.issued", subject=subject, detail=detail)
        return mint(key, subject, role, now=work.now, ttl_s=ttl_s)


class IssuedToken(httpx.Auth):
    """Authenticates the requests of a client with tokens issued here; issues the next one before the last expires."""

    def __init__(self, settings: Settings, subject: str, role: Role) -> None:
        self._settings = settings
        self._subject = subject
        self._role = role
        self._token = ""
        self._renew_at = Instant(0)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request with a token, and once more with a new token when it was refused."""
        if now() >= self._renew_at:
            self._issue()
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._issue()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _issue(self) -> None:
        self._token = issue(self._settings, self._subject, self._role)
        ttl_s = self._settings.token_ttl_s
        self._renew_at = Instant(now() + max(ttl_s - RENEWED_BEFORE_S, ttl_s // 2) * SECOND_US)
