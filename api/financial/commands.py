"""Commands of the financial domain: deposits, withdrawals, payouts and plans.

The routes read their requests themselves (`api.kit.commands.reading`). What only the rules can know comes as
`FinancialCommandRejected` on the caller's feed `money`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from api.financial import examples
from api.financial.models import (
    DepositAnnouncement,
    DepositBatch,
    PayoutBatch,
    PlanChange,
    PlanOrder,
    ReviewDecision,
    WithdrawalOrder,
)
from api.kit.commands.answers import Accepted, AcceptedBatch, accepted, accepted_batch
from api.kit.commands.reading import WITHOUT_BODY, CommandRoute, Reader, read_without_body
from api.kit.openapi import problems
from api.kit.parameters import OwnUser
from api.limits.charge import charge_items
from streams.events.base import ID_PATTERN
from streams.events.financial import (
    CancelPlan,
    ChangePlan,
    ReportDeposit,
    ReportPayout,
    RequestDeposit,
    ReviewWithdrawal,
    Subscribe,
    Withdraw,
    deposit_key,
)
from streams.ids import withdrawal_id_of

router = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 413, 415, 422, 503), route_class=CommandRoute)

WithdrawalPath = Annotated[str, Path(pattern=ID_PATTERN, examples=["0192f7c4-5d6e-7a10-8f00-1b2c3d4e5f60"])]


class AcceptedWithdrawal(Accepted):
    """The withdrawal is in the log. `withdrawal_id` names it, unless it is rejected."""

    withdrawal_id: str


read_announcement = Reader(DepositAnnouncement)
read_deposits = Reader(DepositBatch)
read_withdrawal = Reader(WithdrawalOrder)
read_decision = Reader(ReviewDecision)
read_payouts = Reader(PayoutBatch)
read_plan = Reader(PlanOrder)
read_change = Reader(PlanChange)


@router.post(
    "/deposits/requests",
    status_code=202,
    summary="Announce a deposit",
    response_model=Accepted,
    openapi_extra=read_announcement.described(examples.ANNOUNCEMENTS),
)
async def request_deposit(request: Request) -> Response:
    """Announce a deposit of the caller. The balance grows once the provider reports the money."""
    body = await read_announcement(request)
    submission = await body.begin(RequestDeposit, "deposits.request")
    command = submission.entry(RequestDeposit(**dict(body.value)), submission.event_id())
    written = await body.api.writer.write(RequestDeposit, [command], submission)
    return accepted(body.api, written, RequestDeposit)


@router.post(
    "/deposits",
    status_code=202,
    summary="Report deposits",
    response_model=AcceptedBatch,
    openapi_extra=read_deposits.described(examples.DEPOSITS),
)
async def report_deposits(request: Request) -> Response:
    """Report money that arrived for users at the calling service. Each reference of the service counts once."""
    batch = await read_deposits(request)
    deposits = batch.value.deposits
    await charge_items(request.scope, len(deposits))
    submission = await batch.begin(ReportDeposit, "deposits.report")
    entries = [
        submission.entry(
            ReportDeposit(**dict(deposit), provider=batch.caller),
            submission.event_id(item),
            key=deposit_key(batch.caller, deposit.reference),
            subject=deposit.user_id,
        )
        for item, deposit in enumerate(deposits)
    ]
    written = await batch.api.writer.write(ReportDeposit, entries, submission)
    return accepted_batch(batch.api, written, ReportDeposit)


@router.post(
    "/withdrawals",
    status_code=202,
    summary="Withdraw",
    response_model=AcceptedWithdrawal,
    openapi_extra=read_withdrawal.described(examples.WITHDRAWALS),
)
async def withdraw(request: Request) -> Response:
    """Reserve an amount of the caller for a payout. A large one needs a recent verification, or a moderator."""
    body = await read_withdrawal(request)
    submission = await body.begin(Withdraw, "withdrawals")
    event_id = submission.event_id()
    withdrawal_id = withdrawal_id_of(event_id)
    command = submission.entry(
        Withdraw(withdrawal_id=withdrawal_id, **dict(body.value)), event_id, subject=withdrawal_id
    )
    written = await body.api.writer.write(Withdraw, [command], submission)
    return accepted(body.api, written, Withdraw, withdrawal_id=withdrawal_id)


@router.post(
    "/users/{user_id}/withdrawals/{withdrawal_id}/review",
    status_code=202,
    summary="Decide about a withdrawal",
    response_model=Accepted,
    openapi_extra=read_decision.described(examples.DECISIONS),
)
async def review_withdrawal(request: Request, user_id: OwnUser, withdrawal_id: WithdrawalPath) -> Response:
    """Approve or refuse a withdrawal that waits for review. The audit log keeps the moderator's reason."""
    body = await read_decision(request)
    submission = await body.begin(ReviewWithdrawal, f"withdrawals.review.{user_id}.{withdrawal_id}")
    decision = ReviewWithdrawal(
        user_id=user_id, withdrawal_id=withdrawal_id, approve=body.value.approve, moderator=body.caller
    )
    command = submission.entry(decision, submission.event_id(), key=user_id, subject=withdrawal_id)
    written = await body.api.writer.write(ReviewWithdrawal, [command], submission)
    return accepted(body.api, written, ReviewWithdrawal)


@router.post(
    "/payouts",
    status_code=202,
    summary="Report payouts",
    response_model=AcceptedBatch,
    openapi_extra=read_payouts.described(examples.PAYOUTS),
)
async def report_payouts(request: Request) -> Response:
    """Report that withdrawals were paid out by the calling service, or could not be."""
    batch = await read_payouts(request)
    payouts = batch.value.payouts
    await charge_items(request.scope, len(payouts))
    submission = await batch.begin(ReportPayout, "payouts")
    entries = [
        submission.entry(
            ReportPayout(**dict(payout), provider=batch.caller),
            submission.event_id(item),
            key=payout.user_id,
            subject=payout.withdrawal_id,
        )
        for item, payout in enumerate(payouts)
    ]
    written = await batch.api.writer.write(ReportPayout, entries, submission)
    return accepted_batch(batch.api, written, ReportPayout)


@router.post(
    "/plan",
    status_code=202,
    summary="Subscribe",
    response_model=Accepted,
    openapi_extra=read_plan.described(examples.PLANS),
)
async def subscribe(request: Request) -> Response:
    """Begin a plan, and pay its first period from the caller's USD balance."""
    body = await read_plan(request)
    submission = await body.begin(Subscribe, "plan.subscribe")
    command = submission.entry(Subscribe(**dict(body.value)), submission.event_id())
    written = await body.api.writer.write(Subscribe, [command], submission)
    return accepted(body.api, written, Subscribe)


@router.put(
    "/plan",
    status_code=202,
    summary="Change your plan",
    response_model=Accepted,
    openapi_extra=read_change.described(examples.CHANGES),
)
async def change_plan(request: Request) -> Response:
    """Change the plan: to a higher one at once for the difference, to a lower one at the end of the period."""
    body = await read_change(request)
    submission = await body.begin(ChangePlan, "plan.change")
    command = submission.entry(ChangePlan(plan=body.value.plan), submission.event_id())
    written = await body.api.writer.write(ChangePlan, [command], submission)
    return accepted(body.api, written, ChangePlan)


@router.delete(
    "/plan", status_code=202, summary="Cancel your plan", response_model=Accepted, openapi_extra=WITHOUT_BODY
)
async def cancel_plan(request: Request) -> Response:
    """End the plan at the end of its period."""
    cancelling = read_without_body(request)
    submission = await cancelling.begin(CancelPlan, "plan.cancel")
    command = submission.entry(CancelPlan(), submission.event_id())
    written = await cancelling.api.writer.write(CancelPlan, [command], submission)
    return accepted(cancelling.api, written, CancelPlan)
