"""Check the caller of a request against the permission table: `authorise`, for every route.

The application runs `authorise` before the other dependencies of a route. Command routes that read their requests
themselves call it first.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from api.auth import Principal, unauthenticated
from api.kit.audience import Audience
from api.kit.audited import record_foreign_read
from api.kit.context import Api, ApiDep
from api.kit.feeds.handover import HANDOVER, Handover
from api.kit.feeds.permit import Permit
from api.kit.identification import identified
from api.permissions import WEBSOCKET, Permission


class _Bearer(HTTPBearer):
    """Describes in OpenAPI that a route takes a token. The middleware has read it."""

    async def __call__(self, request: HTTPConnection) -> None:
        """Read nothing."""


BEARER = _Bearer(auto_error=False, description="An access token (JWT), or an API key; it names the user.")


async def authorise(connection: HTTPConnection) -> None:
    """Refuse a request that the permission table does not allow, and note its caller.

    Raises:
        Problem: 401 or 403; 503 when a reason for reading another user's data cannot be written.
    """
    permission = _permission(_api_of(connection), connection)
    caller = connection.state.caller = _checked(connection, permission)
    await record_foreign_read(_api_of(connection), connection, permission, caller)


def permitted(connection: HTTPConnection) -> Principal | None:
    """Return the caller of a request that the permission table allows; None on an open route, which reads no token.

    Raises:
        Problem: 401 or 403.
    """
    return _checked(connection, _permission(_api_of(connection), connection))


def _checked(connection: HTTPConnection, permission: Permission) -> Principal | None:
    if permission.open:
        return None
    found = identified(connection.scope)
    if found.problem is not None:
        raise found.problem
    permission.check(found.caller, connection.path_params, _api_of(connection).identity.parents)
    return found.caller


def _permission(api: Api, connection: HTTPConnection) -> Permission:
    scope = connection.scope
    return api.permissions.of(scope.get("method", WEBSOCKET), scope["route"].path)


def _api_of(connection: HTTPConnection) -> Api:
    api: Api = connection.app.state.api
    return api


async def principal(request: Request, _described: Annotated[None, Depends(BEARER)]) -> Principal:
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


async def permit(request: Request, api: ApiDep, caller: Caller) -> Permit:
    """Return the caller's right to a private feed: the socket's, which the client renews, or one of this request."""
    handover: Handover | None = request.scope.get(HANDOVER)
    if handover is not None and handover.permit is not None:
        return handover.permit
    return Permit(api.identity.verifier, identified(request.scope).credential, caller)


Permitted = Annotated[Permit, Depends(permit)]


async def audience(request: Request, api: ApiDep, viewer: Viewer) -> Audience:
    """Return the reader of a public route's answer."""
    held = None if viewer is None else await permit(request, api, viewer)
    return Audience(api.private_users, api.identity.parents, held)


AudienceDep = Annotated[Audience, Depends(audience)]
