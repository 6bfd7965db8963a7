"""Withdrawals: reserve; review when needed; pay out; capture or release (domain.md §7, §10)."""

from __future__ import annotations

from typing import Any, Final

from tests.community.journal import Entry
from tests.community.oracle.amounts import SMALLEST, quantity, quantity_text
from tests.community.oracle.crossing import Domains
from tests.community.oracle.customers import Customers
from tests.community.oracle.ledger import Ledger, available, outside, reserved
from tests.community.oracle.tables import Table

KYC_ABOVE: Final = quantity("1000")
REVIEW_ABOVE: Final = quantity("10000")
"""Of USD, and of STRK (decision 0038)."""
OPEN_MAX: Final = 20
ENDED_KEPT: Final = 50

Row = dict[str, Any]


class Withdrawals:
    """The withdrawals of all users."""

    def __init__(self, community: Domains, ledger: Ledger, customers: Customers) -> None:
        self.table = Table("financial-withdrawals")
        self.reviews = Table("financial-reviews")
        self._community = community
        self._ledger = ledger
        self._customers = customers
        self.steps = {"Withdraw": self._withdraw, "ReviewWithdrawal": self._review, "ReportPayout": self._payout}

    def _withdraw(self, entry: Entry) -> None:
        asked, user, causes = entry.data, entry.user, (entry.id,)
        asset, amount, withdrawal_id = asked["asset"], quantity(asked["amount"]), asked["withdrawal_id"]
        review = amount > REVIEW_ABOVE
        withdrawal = {
            "withdrawal_id": withdrawal_id,
            "asset": asset,
            "amount": amount,
            "destination": asked["destination"],
            "status": "review" if review else "approved",
            "requested_at": entry.at,
            "decided_at": None,
            "reason": "",
            "reference": "",
        }
        if reason := self._refused(entry):
            self._end(entry, {**withdrawal, "status": "rejected", "reason": reason})
            return
        self._keep(user, withdrawal, causes)
        self._ledger.move(asset, amount, causes, source=available(user), target=reserved(user))
        if review:
            row = {name: withdrawal[name] for name in ("asset", "amount", "destination", "requested_at")}
            tier = self._customers.of(user)["tier"]
            self.reviews.put(f"{user}|{withdrawal_id}", {**row, "tier": tier}, causes)

    def _refused(self, entry: Entry) -> str | None:
        """Return why a withdrawal is refused: the account, its form, the user's other withdrawals, KYC, the money."""
        asked, user = entry.data, entry.user
        asset, amount = asked["asset"], quantity(asked["amount"])
        reasons = (
            (True, self._customers.may_not(user)),
            (self._customers.of(user)["parent_id"] is not None, "sub_account"),
            (amount % SMALLEST[asset] != 0, "too_many_decimals"),
            (len(self._of(user)["open"]) >= OPEN_MAX, "too_many_open"),
            (amount > KYC_ABOVE, self._customers.unverified(user, entry.at)),
            (self._ledger.balance(available(user), asset) < amount, "insufficient_funds"),
        )
        return next((reason for holds, reason in reasons if holds and reason), None)

    def _review(self, entry: Entry) -> None:
        decision, user = entry.data, entry.data["user_id"]
        withdrawal = self._open(user, decision["withdrawal_id"], "review")
        if withdrawal is None or decision["moderator"] == user:
            return
        self.reviews.delete(f"{user}|{decision['withdrawal_id']}", (entry.id,))
        if not decision["approve"]:
            self._release(entry, withdrawal, "review_refused")
            return
        self._keep(user, {**withdrawal, "status": "approved", "decided_at": entry.at}, (entry.id,))
        self._tell(entry, withdrawal, "withdrawal_approved")

    def _payout(self, entry: Entry) -> None:
        report, user, causes = entry.data, entry.data["user_id"], (entry.id,)
        withdrawal = self._open(user, report["withdrawal_id"], "approved")
        if withdrawal is None:
            return
        if not report["paid"]:
            self._release(entry, withdrawal, "payout_failed")
            return
        asset, amount, target = withdrawal["asset"], withdrawal["amount"], outside(report["provider"])
        self._end(entry, {**withdrawal, "status": "paid", "reference": report["reference"]})
        self._ledger.move(asset, amount, causes, source=reserved(user), target=target)
        self._tell(entry, withdrawal, "withdrawal_paid")

    def _release(self, entry: Entry, withdrawal: Row, reason: str) -> None:
        user, asset, amount = entry.data["user_id"], withdrawal["asset"], withdrawal["amount"]
        self._end(entry, {**withdrawal, "status": "rejected", "reason": reason})
        self._ledger.move(asset, amount, (entry.id,), source=reserved(user), target=available(user))
        self._tell(entry, withdrawal, "withdrawal_rejected")

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _of(self, user: str) -> Row:
        return self.table.get(user) or {"open": {}, "ended": []}

    def _open(self, user: str, withdrawal_id: str, status: str) -> Row | None:
        """Return an open withdrawal that has a status."""
        found: Row | None = self._of(user)["open"].get(withdrawal_id)
        return found if found and found["status"] == status else None

    def _keep(self, user: str, withdrawal: Row, causes: tuple[str, ...]) -> None:
        known = self._of(user)
        self.table.put(user, {**known, "open": {**known["open"], withdrawal["withdrawal_id"]: withdrawal}}, causes)

    def _end(self, entry: Entry, withdrawal: Row) -> None:
        user = entry.data.get("user_id", entry.user)
        known, ended = self._of(user), {**withdrawal, "decided_at": entry.at}
        still_open = {name: one for name, one in known["open"].items() if name != withdrawal["withdrawal_id"]}
        self.table.put(user, {"open": still_open, "ended": [*known["ended"], ended][-ENDED_KEPT:]}, (entry.id,))

    def _tell(self, entry: Entry, withdrawal: Row, text: str) -> None:
        arguments = {"asset": withdrawal["asset"], "amount": quantity_text(withdrawal["amount"])}
        self._community.user.notify(
            entry.data["user_id"], "withdrawal_decided", entry.at, (entry.id,), text=text, arguments=arguments
        )
