"""The caller of a request: as a FastAPI dependency, and for routes that read their requests themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from api.auth import STAFF, Principal, unauthenticated
from api.kit.clock import now
from api.kit.context import Api, ApiDep
from api.kit.feeds.handover import HANDOVER, Handover
from api.kit.feeds.permit import Permit
from api.kit.problems import FORBIDDEN, Problem

BEARER = HTTPBearer(auto_error=False, bearerFormat="JWT", description="A signed token; its subject is the user.")

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


async def principal(api: ApiDep, credentials: Credentials) -> Principal:
    """Return the caller, or answer 401."""
    return _known(api, None if credentials is None else credentials.credentials)


Caller = Annotated[Principal, Depends(principal)]


async def staff(caller: Caller) -> Principal:
    """Return the caller when it operates the installation, or answer 403."""
    if caller.role not in STAFF:
        raise Problem(FORBIDDEN, f"this needs one of the roles {', '.join(sorted(STAFF))}")
    return caller


Staff = Annotated[Principal, Depends(staff)]


async def permit(request: Request, api: ApiDep, _caller: Caller, credentials: Credentials) -> Permit:
    """Return the caller's right to a private feed: the socket's, which the client renews, or one of this request."""
    handover: Handover | None = request.scope.get(HANDOVER)
    if handover is not None and handover.permit is not None:
        return handover.permit
    return Permit(api.tokens, "" if credentials is None else credentials.credentials, now())


Permitted = Annotated[Permit, Depends(permit)]


def caller_of(api: Api, request: Request) -> Principal:
    """Return the caller, or answer 401; reads the header itself."""
    scheme, token = get_authorization_scheme_param(request.headers.get("authorization"))
    return _known(api, token if scheme.lower() == "bearer" else None)


def _known(api: Api, token: str | None) -> Principal:
    if not token:
        raise unauthenticated("no bearer token was sent", error="")
    return api.tokens.caller(token, now())
