"""Issue access tokens for an installation, signed by its signing key. Each one is in the audit log."""

from __future__ import annotations

import asyncio

from api.auth import Role, mint
from api.identity import audit
from api.identity.key_ring import KeyRing
from api.identity.signing_keys import load_keys
from api.kit.clock import now
from deploy.admin.accounts import operator
from deploy.admin.identity import opened_identity
from deploy.settings import Settings
from streams.times import SECOND_US, Instant

DEV_USER = "trader-1"
DEV_VENUE = "venue-1"  # the venue is part of the identity of replayed fills
DEV_SERVICE = "replay"
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
        await audit.record(work, actor=operator(), action="token.issued", subject=subject, detail=detail)
        return mint(key, subject, role, now=work.now, ttl_s=ttl_s)


class IssuedToken:
    """Credentials of the Python client: tokens issued here, the next one before the last expires."""

    def __init__(self, settings: Settings, subject: str, role: Role) -> None:
        self._settings = settings
        self._subject = subject
        self._role = role
        self._token = ""
        self._renew_at = Instant(0)

    async def token(self) -> str | None:
        """Return a token that is valid now."""
        return self._token if now() < self._renew_at else await self.renew(self._token)

    async def renew(self, refused: str | None) -> str | None:
        """Return another token than one that was refused."""
        if self._token == refused:
            self._token = await _issue(self._settings, self._subject, self._role, self._settings.token_ttl_s)
            ttl_s = self._settings.token_ttl_s
            self._renew_at = Instant(now() + max(ttl_s - RENEWED_BEFORE_S, ttl_s // 2) * SECOND_US)
        return self._token
