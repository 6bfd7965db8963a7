"""Financial in the API: deposits, withdrawals, plans, balances, fee totals and revenue."""

from __future__ import annotations

from typing import Final

from api.financial import (
    balances,
    chain,
    commands,
    fee_hours,
    fees,
    ledger_audits,
    models,
    money,
    plan_users,
    revenue,
    reviews,
)
from api.kit.commands.admission import WhenDelayed
from api.kit.domain import AcceptedCommand, DomainApi
from api.kit.own_rows import OwnRows
from api.kit.projection import Projection
from api.permissions import OWNED, PUBLIC, STAFF, Permission
from streams.events import financial as events
from tables.financial import FINANCIAL_PLANS, FINANCIAL_WITHDRAWALS, Subscription, Withdrawal, Withdrawals

WITHDRAWAL: Final = Projection(Withdrawal, "Withdrawal", "A withdrawal.")
WITHDRAWALS: Final = OwnRows(
    "withdrawals",
    FINANCIAL_WITHDRAWALS,
    Projection(
        Withdrawals,
        "Withdrawals",
        "A user's open withdrawals, and the latest that ended.",
        key={"user_id": str},
        nested=(WITHDRAWAL,),
    ),
    title="Withdrawals",
    doc="The open withdrawals, and the latest that ended or were refused, oldest first.",
)
PLANS: Final = OwnRows(
    "plan",
    FINANCIAL_PLANS,
    Projection(Subscription, "Subscription", "A user's plan.", key={"user_id": str}),
    title="Plan",
    doc="The plan and its period. A user without a row has the free plan.",
)

API: Final = DomainApi(
    title="Financial",
    description="Deposits, withdrawals, plans, balances, fee totals and revenue.",
    routers=(
        commands.router,
        balances.router,
        balances.feeds,
        *WITHDRAWALS.routers,
        *PLANS.routers,
        reviews.router,
        reviews.feeds,
        money.MONEY.router,
        money.router,
        fees.router,
        fees.feeds,
        fee_hours.router,
        fee_hours.feeds,
        revenue.router,
        revenue.feeds,
        plan_users.router,
        plan_users.feeds,
        chain.router,
        chain.feeds,
        ledger_audits.router,
    ),
    feeds=(
        balances.BALANCES_FEED,
        WITHDRAWALS.feed,
        PLANS.feed,
        reviews.REVIEWS_FEED,
        money.MONEY.feed,
        fees.FEES_FEED,
        fee_hours.FEE_HOURS_FEED,
        revenue.REVENUE_FEED,
        plan_users.PLAN_USERS_FEED,
        chain.CHAIN_FEED,
    ),
    commands={
        events.RequestDeposit: AcceptedCommand(models.DepositAnnouncement, WhenDelayed.ACCEPT),
        events.ReportDeposit: AcceptedCommand(models.DepositBatch, WhenDelayed.ACCEPT),
        events.Withdraw: AcceptedCommand(models.WithdrawalOrder, WhenDelayed.REFUSE),
        events.ReviewWithdrawal: AcceptedCommand(models.ReviewDecision, WhenDelayed.ACCEPT),
        events.ReportPayout: AcceptedCommand(models.PayoutBatch, WhenDelayed.ACCEPT),
        events.Subscribe: AcceptedCommand(models.PlanOrder, WhenDelayed.REFUSE),
        events.ChangePlan: AcceptedCommand(models.PlanChange, WhenDelayed.REFUSE),
        events.CancelPlan: AcceptedCommand(None, WhenDelayed.ACCEPT),
    },
    permissions={
        ("GET", "/v1/fees/hours"): PUBLIC,
        ("GET", "/v1/feed/fee-hours"): PUBLIC,
        ("GET", "/v1/plan-users"): PUBLIC,
        ("GET", "/v1/feed/plan-users"): PUBLIC,
        ("GET", "/v1/ledger/audits"): Permission(STAFF),
        ("GET", "/v1/users/{user_id}/ledger-entries"): OWNED,
        **money.MONEY.permissions,
        **WITHDRAWALS.permissions,
        **PLANS.permissions,
    },
)
