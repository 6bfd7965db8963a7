"""Access tokens (JWT, EdDSA) and the roles they carry. A caller's user id is always the subject of the token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

import jwt

from api.identity.key_ring import ALGORITHM, KeyRing, SigningKey
from api.identity.limits import ACCESS_TTL_S
from api.kit import base64url
from api.kit.problems import UNAUTHENTICATED, Problem
from streams.events.base import ID_PATTERN
from streams.times import SECOND_US, Instant

ISSUER: Final = "astratrade"
AUDIENCE: Final = "astratrade-api"
CLOCK_SKEW_S: Final = 5
TOKENS_KEPT_MAX: Final = 10_000  # some 10 MB; the oldest one is forgotten first
EXPIRED: Final = "the token has expired"
INVALID_JWT: Final = "the token is not valid here"
REVOKED: Final = "the token was revoked; sign in again"
_PART = r"(?:[A-Za-z0-9_-]{4})*[A-Za-z0-9_-]{2,4}"  # a rest of one character is no base64
_TOKEN = re.compile(rf"{_PART}\.{_PART}\.{_PART}", re.ASCII)


class Role(StrEnum):
    """What a token may do."""

    USER = "user"
    MODERATOR = "moderator"
    ADMIN = "admin"
    VENUE = "venue"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    Attributes:
        subject: The caller's user id.
        role: The role that decides which routes the caller may call (`api.permissions`).
        session_id: The session whose token this is; None for an operator's token and for an API key.
        issued_at_us: When the token was issued, in Unix microseconds; 0 for an API key.
        scopes: What an API key may do; None for a token, which its role alone limits.
        key_id: The API key; None for a token.
        expires: When the API key ends; None for a token, whose end its verifier knows.
        polls_before: How often this process had read the revocations when it read the API key; 0 for a token.
        suspended: Whether the account is suspended. It keeps its reads, in the role of a user.
    """

    subject: str
    role: Role
    session_id: str | None = None
    issued_at_us: int = 0
    scopes: frozenset[str] | None = None
    key_id: str | None = None
    expires: Instant | None = None
    polls_before: int = 0
    suspended: bool = False


class RevokedPrincipals(Protocol):
    """Knows which callers were revoked after their tokens were issued."""

    def is_revoked(self, caller: Principal) -> bool:
        """Return whether a caller's token is void. It must not wait: every request asks."""


def mint(
    key: SigningKey,
    subject: str,
    role: Role,
    *,
    now: Instant,
    ttl_s: int = ACCESS_TTL_S,
    session_id: str | None = None,
    suspended: bool = False,
) -> str:
    """Return a token for `subject`, signed by a key, valid for `ttl_s` seconds from now.

    The token of a suspended account has the role of a user, whatever the account's role.
    """
    issued_s = now // SECOND_US
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "role": (Role.USER if suspended else role).value,
        "iat": issued_s,
        "iat_us": int(now),  # a revocation is compared with it, and seconds are too coarse for that
        "exp": issued_s + ttl_s,
    }
    if session_id is not None:
        claims["sid"] = session_id
    if suspended:
        claims["suspended"] = True
    return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})


class Tokens:
    """Verifies tokens, and remembers each valid token by its text until it expires.

    A remembered token costs one look-up, and one in the revocations. Call `forget_all` when the ring has changed.
    """

    def __init__(self, keys: KeyRing, revoked: RevokedPrincipals, kept_max: int = TOKENS_KEPT_MAX) -> None:
        self._keys = keys
        self._revoked = revoked
        self._kept_max = kept_max
        self._known: dict[str, tuple[Principal, Instant]] = {}

    def caller(self, token: str, now: Instant) -> Principal:
        """Return the caller that a token names.

        Raises:
            Problem: 401; its `detail` names the fault of the token.
        """
        known = self._known.get(token)
        if known is None:
            known = self._learn(token, now)
        caller, until = known
        if now >= until:
            self._known.pop(token, None)
            raise unauthenticated(EXPIRED)
        if self._revoked.is_revoked(caller):
            raise unauthenticated(REVOKED)
        return caller

    def forget_all(self) -> None:
        """Verify every token again when it comes next."""
        self._known.clear()

    def _learn(self, token: str, now: Instant) -> tuple[Principal, Instant]:
        known = verify(self._keys, token, now)
        if len(self._known) >= self._kept_max:
            del self._known[next(iter(self._known))]
        self._known[token] = known
        return known


def verify(keys: KeyRing, token: str, now: Instant) -> tuple[Principal, Instant]:
    """Return the caller that a token names, and the time from which on the token is refused.

    The header chooses a key of the ring, and nothing else: the algorithm is always EdDSA.

    Raises:
        Problem: 401; its `detail` names the fault of the token.
    """
    if not _is_canonical(token):
        raise unauthenticated(INVALID_JWT)
    try:
        header = jwt.get_unverified_header(token)
        key = keys.verifying(header.get("kid"), now)
        if key is None or header.get("alg") != ALGORITHM or "crit" in header:
            raise unauthenticated(INVALID_JWT)
        claims: dict[str, Any] = jwt.decode(
            token,
            key.public,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=CLOCK_SKEW_S,
            options={"require": ["iss", "aud", "sub", "exp", "iat", "role"]},
        )
        return _principal(claims), _until(claims, key)
    except jwt.ExpiredSignatureError as exc:
        raise unauthenticated(EXPIRED) from exc
    except (jwt.InvalidTokenError, ValueError) as exc:
        raise unauthenticated(INVALID_JWT) from exc


def _principal(claims: dict[str, Any]) -> Principal:
    """Return the caller that verified claims name. Raise ValueError when they are not ours."""
    subject, session_id, issued_us = claims["sub"], claims.get("sid"), claims.get("iat_us")
    if not re.fullmatch(ID_PATTERN, subject):
        raise unauthenticated("the token's subject is not a user id")
    if session_id is not None and not isinstance(session_id, str):
        raise ValueError("the claim `sid` is not text")
    if not isinstance(issued_us, int):
        raise ValueError("the claim `iat_us` is not an integer")  # noqa: TRY004 - one kind of error for all claims
    suspended = "suspended" in claims
    return Principal(subject, Role(claims["role"]), session_id, issued_us, suspended=suspended)


def _until(claims: dict[str, Any], key: SigningKey) -> Instant:
    expires_us = (int(claims["exp"]) + CLOCK_SKEW_S) * SECOND_US
    return Instant(expires_us if key.verifies_until is None else min(expires_us, key.verifies_until))


def _is_canonical(token: str) -> bool:
    """Return whether each part of a token is written the one way that base64url without padding has for its bytes.

    A decoder that lets padding or stray bits at the end pass would give one signed token many accepted spellings.
    """
    if not _TOKEN.fullmatch(token):
        return False
    return all(base64url.encode(base64url.decode(part)) == part for part in token.split("."))


def unauthenticated(why: str, error: str = ' error="invalid_token"') -> Problem:
    """Return the problem 401, with the header that says how to authenticate."""
    return Problem(UNAUTHENTICATED, why, headers={"WWW-Authenticate": f'Bearer realm="astratrade"{error}'})
