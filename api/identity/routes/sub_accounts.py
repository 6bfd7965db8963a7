"""`/v1/account/sub-accounts`: the caller's sub-accounts and their API keys. No API key may call these routes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.identity import account_changes as changes
from api.identity import accounts
from api.identity.accounts import Account, Status
from api.identity.api_keys.store import create_key, keys_of, revoke_key
from api.identity.routes.api_key_models import ApiKeysAnswer, CreatedApiKey, Name, answer_of, created_answer
from api.identity.routes.api_keys import API_KEY, CREATION, KeyId
from api.identity.routes.client import client_of
from api.identity.routes.errors import as_account_problems
from api.identity.routes.models import Body
from api.identity.sub_accounts import create_sub_account, sub_account_of
from api.kit.bodies import BodyReader
from api.kit.callers import BEARER, Caller
from api.kit.clock import now
from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.problems import NOT_FOUND, Problem
from streams.events.base import ID_PATTERN
from streams.times import Instant


class SubAccountRequest(Body):
    """A new sub-account."""

    label: Annotated[Name, Field(description="what you call it; only you see it", examples=["grid bot"])]


class SubAccountAnswer(BaseModel):
    """A sub-account."""

    user_id: Annotated[str, Field(description="its id in queries, feeds and boards")]
    label: str
    status: Annotated[Status, Field(examples=["active"])]
    created_at: Instant


class SubAccountsAnswer(BaseModel):
    """The sub-accounts of the caller that are not closed, the oldest first."""

    sub_accounts: list[SubAccountAnswer]


SUB_ACCOUNT: Final = BodyReader(SubAccountRequest)
BODIES = (SubAccountRequest,)

SubAccountId = Annotated[str, Path(pattern=ID_PATTERN, description="a sub-account of the caller")]

router = APIRouter(prefix="/v1/account/sub-accounts", tags=["Account"], responses=problems(401, 403, 503))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Create a sub-account",
    responses=problems(400, 404, 409, 413, 415, 422),
    openapi_extra={
        "security": [{BEARER.scheme_name: []}],
        "requestBody": SUB_ACCOUNT.described({"For a bot": {"label": "grid bot"}}),
    },
)
async def post_sub_account(api: ApiDep, caller: Caller, request: Request) -> SubAccountAnswer:
    """Create a sub-account of the caller. It has no password, and acts through API keys that the caller makes."""
    body = await SUB_ACCOUNT.read(request)
    with as_account_problems():
        async with api.store.work(now()) as work:
            made = await create_sub_account(work, caller.subject, body.label)
    api.identity.parents.note(made.id, caller.subject)
    return _answer(made)


@router.get("", summary="Your sub-accounts")
async def get_sub_accounts(api: ApiDep, caller: Caller) -> SubAccountsAnswer:
    """Return the caller's sub-accounts that are not closed."""
    async with api.store.read() as connection:
        children = await accounts.sub_accounts(connection, caller.subject)
    return SubAccountsAnswer(sub_accounts=[_answer(each) for each in children])


@router.delete(
    "/{sub_account_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Close a sub-account",
    responses=problems(404, 409, 422),
)
async def delete_sub_account(api: ApiDep, caller: Caller, sub_account_id: SubAccountId) -> Response:
    """Close a sub-account of the caller for good, and revoke its keys. Its history stays readable to the caller."""
    with as_account_problems():
        async with api.store.work(now()) as work:
            found = await sub_account_of(work.connection, caller.subject, sub_account_id)
            if found.status is Status.CLOSED:
                raise Problem(NOT_FOUND, "this sub-account is closed")
            await changes.close(work, sub_account_id, actor=caller.subject, reason="closed by its owner")
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/{sub_account_id}/api-keys",
    status_code=HTTPStatus.CREATED,
    summary="Create an API key of a sub-account",
    responses=problems(400, 404, 409, 413, 415, 422, 429),
    openapi_extra=CREATION,
)
async def post_key(api: ApiDep, caller: Caller, sub_account_id: SubAccountId, request: Request) -> CreatedApiKey:
    """Create an API key of a sub-account with the password of the caller. It may trade and read, and nothing else."""
    body = await API_KEY.read(request)
    with as_account_problems("#/scopes"):
        async with api.sign_in.confirmed_work(caller.subject, body.password, client_of(api, request)) as work:
            await sub_account_of(work.connection, caller.subject, sub_account_id)
            return created_answer(await create_key(work, sub_account_id, body.asked(), actor=caller.subject))


@router.get("/{sub_account_id}/api-keys", summary="The API keys of a sub-account", responses=problems(404, 422))
async def get_keys(api: ApiDep, caller: Caller, sub_account_id: SubAccountId) -> ApiKeysAnswer:
    """Return the API keys of a sub-account that were not revoked, without their secrets."""
    with as_account_problems():
        async with api.store.read() as connection:
            await sub_account_of(connection, caller.subject, sub_account_id)
            return ApiKeysAnswer(api_keys=[answer_of(key) for key in await keys_of(connection, sub_account_id)])


@router.delete(
    "/{sub_account_id}/api-keys/{key_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Revoke an API key of a sub-account",
    responses=problems(404, 422),
)
async def delete_key(api: ApiDep, caller: Caller, sub_account_id: SubAccountId, key_id: KeyId) -> Response:
    """Revoke an API key of a sub-account. Within two seconds no API process accepts it."""
    with as_account_problems():
        async with api.store.work(now()) as work:
            await sub_account_of(work.connection, caller.subject, sub_account_id)
            revoked = await revoke_key(work, sub_account_id, key_id, actor=caller.subject)
    if not revoked:
        raise Problem(NOT_FOUND, "this sub-account has no such API key")
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _answer(account: Account) -> SubAccountAnswer:
    return SubAccountAnswer(
        user_id=account.id, label=account.label or "", status=account.status, created_at=account.created
    )
