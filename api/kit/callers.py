"""Find the caller of a request and check it against the permission table: `authorise`, for every route.

The application runs `authorise` before the other dependencies of a route. Command routes that read their requests
themselves call it first.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from starlette.requests import HTTPConnection

from api.auth import Principal, unauthenticated
from api.kit.audience import Audience
from api.kit.audited import record_foreign_read
from api.kit.clock import now
from api.kit.context import Api, ApiDep
from api.kit.feeds.handover import HANDOVER, Handover
from api.kit.feeds.permit import Permit
from api.kit.problems import Problem
from api.permissions import WEBSOCKET, Permission

BEARER = HTTPBearer(auto_error=False, bearerFormat="JWT", description="A signed token; its subject is the user.")

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
"""Describes in OpenAPI that a route takes a token; `authorise` has read it."""


async def authorise(connection: HTTPConnection) -> None:
    """Refuse a request that the permission table does not allow, and note its caller.

    Raises:
        Problem: 401 or 403; 503 when a reason for reading another user's data cannot be written.
    """
    caller = connection.state.caller = permitted(connection)
    api = _api_of(connection)
    await record_foreign_read(api, connection, _permission(api, connection), caller)


def permitted(connection: HTTPConnection) -> Principal | None:
    """Return the caller of a request that the permission table allows. On a public route a bad token counts as none.

    Raises:
        Problem: 401 or 403.
    """
    api = _api_of(connection)
    permission = _permission(api, connection)
    try:
        caller = identified(api, connection)
    except Problem:
        if not permission.public:
            raise
        caller = None
    permission.check(caller, connection.path_params)
    return caller


def _permission(api: Api, connection: HTTPConnection) -> Permission:
    scope = connection.scope
    return api.permissions.of(scope.get("method", WEBSOCKET), scope["route"].path)


def _api_of(connection: HTTPConnection) -> Api:
    api: Api = connection.app.state.api
    return api


def identified(api: Api, connection: HTTPConnection) -> Principal | None:
    """Return the caller that a request names; None when it names none.

    Raises:
        Problem: 401 when it proves nothing.
    """
    scheme, token = get_authorization_scheme_param(connection.headers.get("authorization"))
    return api.tokens.caller(token, now()) if token and scheme.lower() == "bearer" else None


async def principal(request: Request, _credentials: Credentials) -> Principal:
    """Return the caller, or answer 401."""
    caller: Principal | None = request.state.caller
    if caller is None:
        raise unauthenticated("no bearer token was sent", error="")
    return caller


async def viewer(request: Request) -> Principal | None:
    """Return the caller of a public route, None for an anonymous one."""
    caller: Principal | None = request.state.caller
    return caller


Caller = Annotated[Principal, Depends(principal)]
Viewer = Annotated[Principal | None, Depends(viewer)]


async def permit(request: Request, api: ApiDep, _caller: Caller, credentials: Credentials) -> Permit:
    """Return the caller's right to a private feed: the socket's, which the client renews, or one of this request."""
    handover: Handover | None = request.scope.get(HANDOVER)
    if handover is not None and handover.permit is not None:
        return handover.permit
    return Permit(api.tokens, "" if credentials is None else credentials.credentials, now())


Permitted = Annotated[Permit, Depends(permit)]


async def audience(request: Request, api: ApiDep, viewer: Viewer, credentials: Credentials) -> Audience:
    """Return the reader of a public route's answer."""
    held = None if viewer is None else await permit(request, api, viewer, credentials)
    return Audience(api.private_users, held)


AudienceDep = Annotated[Audience, Depends(audience)]
