"""Signed tokens (JWT, HS256) and the roles they carry. A caller's user id is always the subject of the token."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import jwt

from api.kit.problems import UNAUTHENTICATED, Problem
from streams.events.base import ID_PATTERN
from streams.times import SECOND_US, Instant

ALGORITHM = "HS256"
ISSUER = "astratrade"
AUDIENCE = "astratrade-api"
CLOCK_SKEW_S = 5
TOKENS_KEPT_MAX = 10_000  # some 10 MB; the oldest one is forgotten first
EXPIRED = "the token has expired"
_PART = r"(?:[A-Za-z0-9_-]{4})*[A-Za-z0-9_-]{2,4}"  # a rest of one character is no base64
_TOKEN = re.compile(rf"{_PART}\.{_PART}\.{_PART}", re.ASCII)


class Role(StrEnum):
    """What a token may do."""

    USER = "user"
    MODERATOR = "moderator"
    ADMIN = "admin"
    VENUE = "venue"
    SERVICE = "service"


STAFF = frozenset({Role.ADMIN, Role.MODERATOR, Role.SERVICE})


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller."""

    subject: str
    role: Role

    def may_read(self, user_id: str) -> bool:
        """Return whether this caller may read the private tables of a user."""
        return self.role in STAFF or self.subject == user_id


def mint(secret: str, subject: str, role: Role, *, issued_at_s: int, ttl_s: int) -> str:
    """Return a signed token for `subject`, valid for `ttl_s` seconds."""
    claims = {
        "sub": subject,
        "role": role.value,
        "iat": issued_at_s,
        "exp": issued_at_s + ttl_s,
        "iss": ISSUER,
        "aud": AUDIENCE,
    }
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def verify(secret: str, token: str) -> Principal:
    """Return the caller that a token names.

    Raises:
        Problem: 401, saying what is wrong with the token.
    """
    return _verified(secret, token)[0]


class Tokens:
    """Verifies tokens, and remembers each valid token by its text until it expires.

    Tokens cannot be revoked, so verifying one again would find nothing new.
    """

    def __init__(self, secret: str, kept_max: int = TOKENS_KEPT_MAX) -> None:
        self._secret = secret
        self._kept_max = kept_max
        self._known: dict[str, tuple[Principal, Instant]] = {}

    def caller(self, token: str, now: Instant) -> Principal:
        """Return the caller that a token names.

        Raises:
            Problem: 401, saying what is wrong with the token.
        """
        known = self._known.get(token)
        if known is None:
            known = self._learn(token)
        caller, until = known
        if now >= until:
            self._known.pop(token, None)
            raise unauthenticated(EXPIRED)
        return caller

    def _learn(self, token: str) -> tuple[Principal, Instant]:
        caller, expires_s = _verified(self._secret, token)
        if len(self._known) >= self._kept_max:
            del self._known[next(iter(self._known))]
        known = self._known[token] = (caller, Instant((expires_s + CLOCK_SKEW_S) * SECOND_US))
        return known


def _verified(secret: str, token: str) -> tuple[Principal, int]:
    """Return the caller, and when the token expires (Unix seconds)."""
    if not _is_canonical(token):
        raise unauthenticated("the token is not valid here")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=CLOCK_SKEW_S,
            options={"require": ["sub", "exp", "iat", "iss", "aud"]},
        )
        role = Role(claims.get("role", ""))
    except jwt.ExpiredSignatureError as exc:
        raise unauthenticated(EXPIRED) from exc
    except (jwt.InvalidTokenError, ValueError) as exc:
        raise unauthenticated("the token is not valid here") from exc
    if not re.fullmatch(ID_PATTERN, claims["sub"]):
        raise unauthenticated("the token's subject is not a user id")
    return Principal(claims["sub"], role), int(claims["exp"])


def _is_canonical(token: str) -> bool:
    """Return whether each part of a token is written the one way that base64url without padding has for its bytes.

    PyJWT decodes padding and stray bits at the end, so that one signed token would have many accepted spellings.
    """
    if not _TOKEN.fullmatch(token):
        return False
    return all(_encoded(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) == part for part in token.split("."))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unauthenticated(why: str, error: str = ' error="invalid_token"') -> Problem:
    """Return the problem 401, with the header that says how to authenticate."""
    return Problem(UNAUTHENTICATED, why, headers={"WWW-Authenticate": f'Bearer realm="astratrade"{error}'})
