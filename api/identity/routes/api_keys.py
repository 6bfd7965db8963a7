"""`/v1/account/api-keys`: the caller's API keys. No API key may call these routes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from api.identity.api_keys.store import create_key, keys_of, revoke_key
from api.identity.routes.api_key_models import (
    ApiKeyRequest,
    ApiKeysAnswer,
    CreatedApiKey,
    answer_of,
    created_answer,
)
from api.identity.routes.client import client_of
from api.identity.routes.errors import as_account_problems
from api.kit.bodies import BodyReader
from api.kit.callers import BEARER, Caller
from api.kit.clock import now
from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.problems import NOT_FOUND, Problem
from streams.events.base import ID_PATTERN

API_KEY: Final = BodyReader(ApiKeyRequest)
BODIES = (ApiKeyRequest,)
CREATION: Final[dict[str, Any]] = {
    "security": [{BEARER.scheme_name: []}],
    "requestBody": API_KEY.described(
        {
            "A bot that trades from one network": {
                "name": "market maker",
                "scopes": ["trade", "read:private"],
                "addresses": ["192.0.2.0/24"],
                "password": "zephyr-quilt-mattress",
            }
        }
    ),
}

KeyId = Annotated[str, Path(pattern=ID_PATTERN, description="the key's id; in its text it stands behind `ak_`")]

router = APIRouter(prefix="/v1/account/api-keys", tags=["Account"], responses=problems(401, 403, 503))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Create an API key",
    responses=problems(400, 404, 409, 413, 415, 422, 429),
    openapi_extra=CREATION,
)
async def post_api_key(api: ApiDep, caller: Caller, request: Request) -> CreatedApiKey:
    """Create an API key of the caller. Only this answer has its text; the store keeps a digest."""
    body = await API_KEY.read(request)
    with as_account_problems("#/scopes"):
        async with api.sign_in.confirmed_work(caller.subject, body.password, client_of(api, request)) as work:
            return created_answer(await create_key(work, caller.subject, body.asked(), actor=caller.subject))


@router.get("", summary="Your API keys")
async def get_api_keys(api: ApiDep, caller: Caller) -> ApiKeysAnswer:
    """Return the caller's API keys that were not revoked, without their secrets."""
    async with api.store.read() as connection:
        return ApiKeysAnswer(api_keys=[answer_of(key) for key in await keys_of(connection, caller.subject)])


@router.delete(
    "/{key_id}", status_code=HTTPStatus.NO_CONTENT, summary="Revoke an API key", responses=problems(404, 422)
)
async def delete_api_key(api: ApiDep, caller: Caller, key_id: KeyId) -> Response:
    """Revoke an API key of the caller. Within two seconds no API process accepts it, and its private feeds end."""
    async with api.store.work(now()) as work:
        revoked = await revoke_key(work, caller.subject, key_id, actor=caller.subject)
    if not revoked:
        raise Problem(NOT_FOUND, "you have no such API key")
    return Response(status_code=HTTPStatus.NO_CONTENT)
