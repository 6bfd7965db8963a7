"""`/v1/users/{user_id}/suspend` and `/reinstate`: a moderator takes an account's commands away, and gives them back."""

from __future__ import annotations

from typing import Annotated, Final, Protocol

from fastapi import APIRouter, Request
from pydantic import Field

from api.auth import Principal, Role
from api.identity import account_changes, accounts
from api.identity.accounts import Status
from api.identity.routes.errors import as_account_problems
from api.identity.routes.models import Body, Reason
from api.kit.bodies import BodyReader
from api.kit.callers import BEARER, Caller
from api.kit.clock import now
from api.kit.context import Api, ApiDep
from api.kit.openapi import problems
from api.kit.parameters import UserPath
from api.kit.problems import FORBIDDEN, Problem
from streams.connect.outbox.unit_of_work import UnitOfWork


class Change(Protocol):
    """A decision about an account, which the audit log keeps with its reason."""

    async def __call__(self, work: UnitOfWork, account_id: str, *, actor: str, reason: str) -> None:
        """Carry it out in a transaction."""


class StatusChange(Body):
    """Why an account is suspended or reinstated."""

    reason: Annotated[Reason, Field(description="what happened; the audit log keeps it, and no event has it")]


class StatusAnswer(Body):
    """The status of an account, which its sub-accounts have, too."""

    user_id: str
    status: Status


STATUS_CHANGE: Final = BodyReader(StatusChange)
BODIES: Final = (StatusChange,)

router = APIRouter(
    prefix="/v1/users", tags=["Account"], responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 503)
)


def _described(example: str, reason: str) -> dict[str, object]:
    return {
        "security": [{BEARER.scheme_name: []}],
        "requestBody": STATUS_CHANGE.described({example: {"reason": reason}}),
    }


@router.post(
    "/{user_id}/suspend", summary="Suspend an account", openapi_extra=_described("spam", "posted spam in three feeds")
)
async def suspend(api: ApiDep, caller: Caller, user_id: UserPath, request: Request) -> StatusAnswer:
    """Suspend an account and its sub-accounts: sessions end, tokens and API keys are refused within a second.

    The user may sign in again to read, but can send no command. The event of the suspension also suspends trading. A
    caller cannot suspend the own account, and a moderator cannot suspend an admin.
    """
    reason = await _reason(caller, user_id, request)
    await _change(api, caller, user_id, account_changes.suspend, reason)
    return StatusAnswer(user_id=user_id, status=Status.SUSPENDED)


@router.post(
    "/{user_id}/reinstate",
    summary="Reinstate an account",
    openapi_extra=_described("corrected", "the posts were removed"),
)
async def reinstate(api: ApiDep, caller: Caller, user_id: UserPath, request: Request) -> StatusAnswer:
    """End the suspension of an account and of its sub-accounts. A refresh then gives a token for commands again.

    A sub-account whose user is suspended is reinstated with its user only.
    """
    reason = await _reason(caller, user_id, request)
    await _change(api, caller, user_id, account_changes.reinstate, reason)
    return StatusAnswer(user_id=user_id, status=Status.ACTIVE)


async def _reason(caller: Principal, user_id: str, request: Request) -> str:
    body = await STATUS_CHANGE.read(request)
    if user_id == caller.subject:
        raise Problem(FORBIDDEN, "another moderator or admin has to decide about your account")
    return body.reason


async def _change(api: Api, caller: Principal, user_id: str, change: Change, reason: str) -> None:
    with as_account_problems():
        async with api.store.work(now()) as work:
            account = await accounts.get(work.connection, user_id, lock=True)
            if account.role is Role.ADMIN and caller.role is not Role.ADMIN:
                raise Problem(FORBIDDEN, "only an admin decides about the account of an admin")
            await change(work, user_id, actor=caller.subject, reason=reason)
