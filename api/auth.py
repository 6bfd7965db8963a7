"""Who is asking: signed tokens (JWT, HS256) and the roles they carry. The user is the token's subject, always."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import jwt
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.context import ApiDep
from api.problems import FORBIDDEN, UNAUTHENTICATED, Problem
from streams.events.base import ID_PATTERN

ALGORITHM = "HS256"
ISSUER = "astratrade"
AUDIENCE = "astratrade-api"
CLOCK_SKEW_S = 5


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
        """Whether this caller may see what belongs to the user alone."""
        return self.role in STAFF or self.subject == user_id


def mint(secret: str, subject: str, role: Role, *, issued_at_s: int, ttl_s: int) -> str:
    """A signed token for `subject`, valid for `ttl_s` seconds."""
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
    """The caller that a token stands for.

    Raises:
        Problem: 401, saying what is wrong with the token.
    """
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
        raise _unauthenticated("the token has expired") from exc
    except (jwt.InvalidTokenError, ValueError) as exc:
        raise _unauthenticated("the token is not valid here") from exc
    if not re.fullmatch(ID_PATTERN, claims["sub"]):
        raise _unauthenticated("the token's subject is not a user id")
    return Principal(claims["sub"], role)


def _unauthenticated(why: str, error: str = ' error="invalid_token"') -> Problem:
    return Problem(UNAUTHENTICATED, why, headers={"WWW-Authenticate": f'Bearer realm="astratrade"{error}'})


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="A signed token; its subject is the user.")


async def principal(
    api: ApiDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    """The caller, or 401."""
    if credentials is None:
        raise _unauthenticated("no bearer token was sent", error="")
    return verify(api.config.jwt_secret, credentials.credentials)


Caller = Annotated[Principal, Depends(principal)]


def require(*roles: Role) -> Callable[[Principal], Awaitable[Principal]]:
    """A dependency that lets only these roles in."""

    async def check(caller: Caller) -> Principal:
        if caller.role not in roles:
            needed = " or ".join(roles)
            raise Problem(FORBIDDEN, f"this needs a token with the role {needed}; yours has the role {caller.role}")
        return caller

    return check
