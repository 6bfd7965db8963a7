"""`/v1/account`: the caller's password and sessions."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.identity.routes.client import client_of
from api.identity.routes.errors import as_problems
from api.identity.routes.models import PasswordChange, SessionAnswer, SessionsAnswer
from api.identity.sessions import log_out, open_sessions
from api.kit.bodies import BodyReader
from api.kit.callers import BEARER, Caller
from api.kit.clock import now
from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.problems import NOT_FOUND, Problem

PASSWORD_CHANGE = BodyReader(PasswordChange)
BODIES = (PasswordChange,)

router = APIRouter(prefix="/v1/account", tags=["Account"])


@router.put(
    "/password",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Change the password",
    responses=problems(400, 401, 403, 413, 415, 422, 429, 503),
    openapi_extra={
        "security": [{BEARER.scheme_name: []}],
        "requestBody": PASSWORD_CHANGE.described(
            {
                "A new one": {
                    "current_password": "zephyr-quilt-mattress",
                    "new_password": "walnut-harbour-trombone",
                },
                "After a theft": {
                    "current_password": "zephyr-quilt-mattress",
                    "new_password": "walnut-harbour-trombone",
                    "revoke_api_keys": True,
                },
            }
        ),
    },
)
async def change_password(api: ApiDep, caller: Caller, request: Request) -> Response:
    """Change the caller's password. All other sessions of the caller end.

    API keys stay valid unless `revoke_api_keys` is true.
    """
    body = await PASSWORD_CHANGE.read(request)
    with as_problems("#/new_password"):
        await api.sign_in.change_password(
            caller.subject,
            caller.session_id,
            body.current_password,
            body.new_password,
            client_of(api, request),
            revoke_api_keys=body.revoke_api_keys,
        )
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/sessions", summary="The open sessions", responses=problems(401, 503))
async def get_sessions(api: ApiDep, caller: Caller) -> SessionsAnswer:
    """Return the open sessions of the caller."""
    async with api.identity.store.read() as connection:
        sessions = await open_sessions(connection, caller.subject, now())
    return SessionsAnswer(
        sessions=[
            SessionAnswer(
                id=session.id,
                current=session.id == caller.session_id,
                method=session.method,
                address=session.address,
                user_agent=session.user_agent,
                created_at=session.created,
                last_used_at=session.last_used,
                expires_at=session.expires,
            )
            for session in sessions
        ]
    )


@router.delete(
    "/sessions/{session_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="End a session",
    responses=problems(401, 404, 503),
)
async def delete_session(api: ApiDep, caller: Caller, session_id: str) -> Response:
    """End an open session of the caller. Within a second no API process accepts its access tokens."""
    async with api.identity.store.work(now()) as work:
        ended = await log_out(work, caller.subject, session_id, "ended")
    if not ended:
        raise Problem(NOT_FOUND, "you have no such open session")
    return Response(status_code=HTTPStatus.NO_CONTENT)
