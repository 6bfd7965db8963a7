"""`/v1/account/privacy`: whether the caller has a name on public boards and feeds."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from api.identity import account_changes, accounts
from api.identity.accounts import UnknownAccountError
from api.kit.callers import Caller
from api.kit.clock import now
from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.problems import NOT_FOUND, Problem

EXAMPLES: Final = Body(openapi_examples={"Without a name": {"value": {"private": True}}})

router = APIRouter(prefix="/v1/account", tags=["Account"], responses=problems(401, 403, 404, 422, 503))


class Privacy(BaseModel):
    """The privacy setting of an account."""

    model_config = ConfigDict(extra="forbid", strict=True)

    private: Annotated[bool, Field(description="true: boards and feeds show no name to others; rank and score stay")]


@router.get("/privacy", summary="Your privacy setting")
async def get_privacy(api: ApiDep, caller: Caller) -> Privacy:
    """Return whether the caller is private."""
    async with api.store.read() as connection:
        account = await accounts.find(connection, caller.subject)
    if account is None:
        raise _no_account(caller.subject)
    return Privacy(private=account.is_private)


@router.put("/privacy", summary="Change your privacy setting")
async def put_privacy(api: ApiDep, caller: Caller, wanted: Annotated[Privacy, EXAMPLES]) -> Privacy:
    """Become private, or public again. Every API process follows within two seconds.

    A private user keeps rank and score on boards, and counts in all totals, without a name.
    """
    try:
        async with api.store.work(now()) as work:
            await account_changes.set_private(work, caller.subject, wanted.private, actor=caller.subject)
    except UnknownAccountError as exc:
        raise _no_account(caller.subject) from exc
    api.private_users.note(caller.subject, is_private=wanted.private)
    return wanted


def _no_account(subject: str) -> Problem:
    return Problem(NOT_FOUND, f"{subject} has a token of an operator, and no account")
