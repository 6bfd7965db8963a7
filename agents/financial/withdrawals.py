"""Withdrawals: reserve the money, let a moderator review a large one, then capture it once paid out, or release it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from agents.financial.customers import Customers, refused, rejected, unverified
from agents.financial.entries import moved
from agents.financial.ledger import Ledger
from agents.financial.policy import WithdrawalPolicy
from agents.notices import notice
from streams.assets import is_whole
from streams.events import AnyEvent, Event
from streams.events.financial import (
    ReportPayout,
    ReviewWithdrawal,
    Withdraw,
    WithdrawalApproved,
    WithdrawalCompleted,
    WithdrawalRejected,
    WithdrawalRequested,
)
from tables.accounts import available, outside, reserved
from tables.financial import (
    FINANCIAL_REVIEWS,
    FINANCIAL_WITHDRAWALS,
    Customer,
    Review,
    Withdrawal,
    Withdrawals,
    WithdrawalStatus,
    review_key,
)
from tables.unit_of_work import UnitOfWork


class WithdrawalRules:
    """The withdrawals of a partition's users."""

    def __init__(self, tables: UnitOfWork, ledger: Ledger, customers: Customers, policy: WithdrawalPolicy) -> None:
        self.rows = tables.rows(FINANCIAL_WITHDRAWALS)
        self.reviews = tables.rows(FINANCIAL_REVIEWS)
        self._ledger = ledger
        self._customers = customers
        self._policy = policy

    def withdraw(self, event: Event[Withdraw]) -> list[AnyEvent]:
        """Reserve an amount, unless a rule refuses it. The user's latest withdrawals list a refused one, too."""
        data, user_id = event.data, event.partitionkey
        known, customer = self.rows.get(user_id) or Withdrawals(), self._customers.of(user_id)
        if _find(known, data.withdrawal_id) is not None:
            return []
        review = data.amount > self._policy.review_above[data.asset]
        withdrawal = Withdrawal(
            withdrawal_id=data.withdrawal_id,
            asset=data.asset,
            amount=data.amount,
            destination=data.destination,
            status="review" if review else "approved",
            requested_at=int(event.time),
        )
        if reason := self._refused(event, known, customer):
            self._end(user_id, known, withdrawal, "rejected", int(event.time), reason=reason)
            return rejected(event, reason, data.withdrawal_id)
        self.rows.put(user_id, replace(known, open=(*known.open, withdrawal)))
        entry = moved(
            "withdrawal_reserved", data.asset, data.amount, source=available(user_id), target=reserved(user_id)
        )
        requested = WithdrawalRequested(
            withdrawal_id=data.withdrawal_id,
            asset=data.asset,
            amount=data.amount,
            destination=data.destination,
            review=review,
        )
        events = [self._ledger.post(event, entry), event.then(requested)]
        if review:
            self.reviews.put(review_key(user_id, data.withdrawal_id), _review(withdrawal, customer))
            return events
        return [*events, event.then(WithdrawalApproved(withdrawal_id=data.withdrawal_id))]

    def review(self, event: Event[ReviewWithdrawal]) -> list[AnyEvent]:
        """Carry out the decision of a moderator."""
        data, user_id = event.data, event.partitionkey
        known = self.rows.get(user_id) or Withdrawals()
        withdrawal = _find(known, data.withdrawal_id)
        if withdrawal is None or withdrawal.status != "review":
            return rejected(event, "not_in_review", data.withdrawal_id)
        if data.moderator == user_id:
            return rejected(event, "own_withdrawal", data.withdrawal_id)
        self.reviews.delete(review_key(user_id, data.withdrawal_id))
        if not data.approve:
            return self._release(event, known, withdrawal, "review_refused")
        approved = replace(withdrawal, status="approved", decided_at=int(event.time))
        self.rows.put(user_id, replace(known, open=(*_without(known.open, withdrawal), approved)))
        decided = WithdrawalApproved(withdrawal_id=data.withdrawal_id, moderator=data.moderator)
        return [event.then(decided), _notified(event, "withdrawal_approved", withdrawal)]

    def pay(self, event: Event[ReportPayout]) -> list[AnyEvent]:
        """Debit the reserved amount of a withdrawal that was paid, or release it when the payout failed."""
        data, user_id = event.data, event.partitionkey
        known = self.rows.get(user_id) or Withdrawals()
        withdrawal = _find(known, data.withdrawal_id)
        if withdrawal is None or withdrawal.status != "approved":
            repeated = data.paid and withdrawal is not None and withdrawal.reference == data.reference
            return [] if repeated else rejected(event, "not_payable", data.withdrawal_id)
        if not data.paid:
            return self._release(event, known, withdrawal, "payout_failed")
        self._end(user_id, known, withdrawal, "paid", int(event.time), reference=data.reference)
        asset, amount = withdrawal.asset, withdrawal.amount
        entry = moved("withdrawal_paid", asset, amount, source=reserved(user_id), target=outside(data.provider))
        completed = WithdrawalCompleted(
            withdrawal_id=data.withdrawal_id, asset=asset, amount=amount, reference=data.reference
        )
        paid = _notified(event, "withdrawal_paid", withdrawal)
        return [self._ledger.post(event, entry), event.then(completed), paid]

    # --- inside -------------------------------------------------------------------------------------------------------

    def _refused(self, event: Event[Withdraw], known: Withdrawals, customer: Customer) -> str | None:
        data, policy = event.data, self._policy
        if reason := refused(customer):
            return reason
        if customer.parent_id is not None:
            return "sub_account"
        if not is_whole(data.asset, data.amount):
            return "too_many_decimals"
        if len(known.open) >= policy.open_max:
            return "too_many_open"
        large = data.amount > policy.verified_above[data.asset]
        if large and (reason := unverified(customer, policy, int(event.time))):
            return reason
        short = self._ledger.balance(available(event.partitionkey), data.asset) < data.amount
        return "insufficient_funds" if short else None

    def _release(self, event: Event[Any], known: Withdrawals, withdrawal: Withdrawal, reason: str) -> list[AnyEvent]:
        user_id = event.partitionkey
        self._end(user_id, known, withdrawal, "rejected", int(event.time), reason=reason)
        asset, amount = withdrawal.asset, withdrawal.amount
        entry = moved("withdrawal_released", asset, amount, source=reserved(user_id), target=available(user_id))
        ended = WithdrawalRejected(withdrawal_id=withdrawal.withdrawal_id, reason=reason)
        told = _notified(event, "withdrawal_rejected", withdrawal)
        return [self._ledger.post(event, entry), event.then(ended), told]

    def _end(
        self,
        user_id: str,
        known: Withdrawals,
        withdrawal: Withdrawal,
        status: WithdrawalStatus,
        at: int,
        *,
        reason: str = "",
        reference: str = "",
    ) -> None:
        ended = replace(withdrawal, status=status, decided_at=at, reason=reason, reference=reference)
        kept = (*known.ended, ended)[-self._policy.ended_kept :]
        self.rows.put(user_id, Withdrawals(open=_without(known.open, withdrawal), ended=kept))


def _find(known: Withdrawals, withdrawal_id: str) -> Withdrawal | None:
    return next((one for one in (*known.open, *known.ended) if one.withdrawal_id == withdrawal_id), None)


def _without(withdrawals: tuple[Withdrawal, ...], gone: Withdrawal) -> tuple[Withdrawal, ...]:
    return tuple(one for one in withdrawals if one.withdrawal_id != gone.withdrawal_id)


def _review(withdrawal: Withdrawal, customer: Customer) -> Review:
    return Review(
        asset=withdrawal.asset,
        amount=withdrawal.amount,
        destination=withdrawal.destination,
        tier=customer.tier,
        requested_at=withdrawal.requested_at,
    )


def _notified(event: AnyEvent, text: str, withdrawal: Withdrawal) -> AnyEvent:
    arguments = {"asset": withdrawal.asset, "amount": withdrawal.amount.text()}
    return notice(event, "withdrawal_decided", text, **arguments)
