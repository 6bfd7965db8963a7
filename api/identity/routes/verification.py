"""`/v1/users/{user_id}/verification`: a moderator confirms how far the person behind an account is verified."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from api.identity import account_changes
from api.identity.accounts import Verification
from api.identity.routes.errors import as_account_problems
from api.identity.routes.models import Body, Reason
from api.kit.bodies import BodyReader
from api.kit.callers import BEARER, Caller
from api.kit.clock import now
from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.parameters import UserPath
from api.kit.problems import FORBIDDEN, Problem
from streams.times import Instant


class VerificationChange(Body):
    """The tier that was confirmed, and why."""

    tier: Annotated[Verification, Field(description="unverified < email < phone < identity < premium")]
    reason: Annotated[Reason, Field(description="what the moderator checked; the audit log keeps this text")]


class VerificationAnswer(Body):
    """The tier of a user, and when it was confirmed."""

    user_id: str
    tier: Verification
    verified_at: Annotated[Instant, Field(description="when the tier was confirmed")]


VERIFICATION_CHANGE = BodyReader(VerificationChange)
BODIES = (VerificationChange,)

router = APIRouter(prefix="/v1/users", tags=["Account"])


@router.put(
    "/{user_id}/verification",
    summary="Set a user's verification tier",
    responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
    openapi_extra={
        "security": [{BEARER.scheme_name: []}],
        "requestBody": VERIFICATION_CHANGE.described(
            {"a passport": {"tier": "identity", "reason": "passport checked by video call"}}
        ),
    },
)
async def put_verification(api: ApiDep, caller: Caller, user_id: UserPath, request: Request) -> VerificationAnswer:
    """Confirm the verification tier of a user and of the user's sub-accounts, as of now.

    Sending the present tier again renews its time. Moderators and admins do not verify themselves.
    """
    body = await VERIFICATION_CHANGE.read(request)
    if user_id == caller.subject:
        raise Problem(FORBIDDEN, "another moderator has to verify you")
    time = now()
    with as_account_problems():
        async with api.store.work(time) as work:
            await account_changes.set_verification(work, user_id, body.tier, actor=caller.subject, reason=body.reason)
    return VerificationAnswer(user_id=user_id, tier=body.tier, verified_at=time)
