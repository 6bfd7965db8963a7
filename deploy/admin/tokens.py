"""Issue tokens for an installation. The API verifies them with the same secret (`api.auth`)."""

from __future__ import annotations

import time

from api.auth import Role, mint
from deploy.admin.secret import signing_secret
from deploy.settings import Settings

DEV_USER = "trader-1"
DEV_VENUE = "venue-1"  # the venue is part of the identity of replayed fills


def issue(settings: Settings, subject: str, role: Role) -> str:
    """Return a token for a subject in a role, valid from now for the configured time."""
    return mint(signing_secret(settings), subject, role, issued_at_s=int(time.time()), ttl_s=settings.token_ttl_s)
