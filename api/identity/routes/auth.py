"""`/v1/auth`: register, log in, refresh, log out."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from api.identity.routes.client import client_of
from api.identity.routes.errors import as_problems
from api.identity.routes.models import LogIn, Refresh, Registration, SignedInAnswer
from api.identity.sessions import SignedIn, log_out, log_out_everywhere
from api.kit.bodies import BodyReader
from api.kit.callers import Caller
from api.kit.clock import now
from api.kit.context import ApiDep
from api.kit.openapi import problems

REGISTRATION = BodyReader(Registration)
LOG_IN = BodyReader(LogIn)
REFRESH = BodyReader(Refresh)
BODIES = (Registration, LogIn, Refresh)
NEVER_STORED = {"Cache-Control": "no-store"}

router = APIRouter(prefix="/v1/auth", tags=["Sign-in"])


@router.post(
    "/register",
    status_code=HTTPStatus.CREATED,
    summary="Create an account and sign in",
    responses={HTTPStatus.CREATED: {"model": SignedInAnswer}, **problems(400, 409, 413, 415, 422, 429, 503)},
    openapi_extra={
        "requestBody": REGISTRATION.described(
            {"Alice": {"username": "alice", "email": "alice@example.org", "password": "zephyr-quilt-mattress"}}
        )
    },
)
async def register(api: ApiDep, request: Request) -> Response:
    """Create an account with a password, and open its first session."""
    body = await REGISTRATION.read(request)
    with as_problems():
        signed_in = await api.sign_in.register(body.username, body.email, body.password, client_of(api, request))
    return tokens_answer(signed_in, HTTPStatus.CREATED)


@router.post(
    "/login",
    summary="Sign in with a password",
    responses={HTTPStatus.OK: {"model": SignedInAnswer}, **problems(400, 401, 403, 413, 415, 422, 429, 503)},
    openapi_extra={"requestBody": LOG_IN.described({"Alice": {"login": "alice", "password": "zephyr-quilt-mattress"}})},
)
async def login(api: ApiDep, request: Request) -> Response:
    """Open a session. The answer does not tell whether the user name or the password was wrong."""
    body = await LOG_IN.read(request)
    with as_problems():
        signed_in = await api.sign_in.login(body.login, body.password, client_of(api, request))
    return tokens_answer(signed_in)


@router.post(
    "/refresh",
    summary="Exchange a refresh token",
    responses={HTTPStatus.OK: {"model": SignedInAnswer}, **problems(400, 401, 413, 415, 422, 503)},
    openapi_extra={"requestBody": REFRESH.described({"A token": {"refresh_token": "A" * 43}})},
)
async def refresh(api: ApiDep, request: Request) -> Response:
    """Return new tokens. A refresh token works once: using it again ends its session, because it may be stolen."""
    body = await REFRESH.read(request)
    with as_problems():
        signed_in = await api.sign_in.refresh(body.refresh_token, client_of(api, request))
    return tokens_answer(signed_in)


@router.post("/logout", status_code=HTTPStatus.NO_CONTENT, summary="End this session", responses=problems(401, 503))
async def logout(api: ApiDep, caller: Caller) -> Response:
    """End the session of this token. Within a second no API process accepts its access tokens."""
    if caller.session_id is not None:
        async with api.identity.store.work(now()) as work:
            await log_out(work, caller.subject, caller.session_id, "logout")
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/logout-everywhere",
    status_code=HTTPStatus.NO_CONTENT,
    summary="End all sessions",
    responses=problems(401, 503),
)
async def logout_everywhere(api: ApiDep, caller: Caller) -> Response:
    """End all sessions of the caller, and void all access tokens issued so far."""
    async with api.identity.store.work(now()) as work:
        await log_out_everywhere(work, caller.subject)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def tokens_answer(signed_in: SignedIn, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return the answer with tokens."""
    answer = SignedInAnswer(
        access_token=signed_in.access_token,
        expires_in=signed_in.expires_in,
        refresh_token=signed_in.refresh_token,
        user_id=signed_in.user_id,
        session_id=signed_in.session_id,
    )
    return JSONResponse(answer.model_dump(), status, headers=NEVER_STORED)
