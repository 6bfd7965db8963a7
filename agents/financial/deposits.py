"""Deposits: a service reports money with a reference, which counts once over all users.

The reference's partition remembers it and sends the money on; the user's partition credits the account.
"""

from __future__ import annotations

from agents.financial.customers import Customers, refused, rejected
from agents.financial.entries import moved
from agents.financial.ledger import Ledger
from streams.events import AnyEvent, Event
from streams.events.financial import DepositAccepted, DepositRequested, FundsDeposited, ReportDeposit, RequestDeposit
from tables.accounts import TRANSIT, available, outside
from tables.financial import FINANCIAL_DEPOSITS, Deposit, deposit_row_key
from tables.unit_of_work import UnitOfWork


class Deposits:
    """The deposits of a partition: of its references, and of its users."""

    def __init__(self, tables: UnitOfWork, ledger: Ledger, customers: Customers) -> None:
        self.rows = tables.rows(FINANCIAL_DEPOSITS)
        self._ledger = ledger
        self._customers = customers

    def request(self, event: Event[RequestDeposit]) -> list[AnyEvent]:
        """Announce a deposit. No money moves."""
        if reason := refused(self._customers.of(event.partitionkey)):
            return rejected(event, reason)
        data = event.data
        return [event.then(DepositRequested(asset=data.asset, amount=data.amount, provider=data.provider))]

    def report(self, event: Event[ReportDeposit]) -> list[AnyEvent]:
        """Count a reference once, and send its money to the user's partition."""
        data = event.data
        key = deposit_row_key(data.provider, data.reference)
        known = self.rows.get(key)
        if known is not None:
            same = (known.user_id, known.asset, known.amount) == (data.user_id, data.asset, data.amount)
            return [] if same else rejected(event, "reference_was_used", data.reference)
        at = int(event.time)
        self.rows.put(key, Deposit(user_id=data.user_id, asset=data.asset, amount=data.amount, accepted_at=at))
        entry = moved("deposit_received", data.asset, data.amount, source=outside(data.provider), target=TRANSIT)
        accepted = DepositAccepted(
            asset=data.asset, amount=data.amount, provider=data.provider, reference=data.reference
        )
        return [self._ledger.post(event, entry), event.then(accepted, key=data.user_id)]

    def credit(self, event: Event[DepositAccepted]) -> list[AnyEvent]:
        """Credit a deposit to its user."""
        data, user_id = event.data, event.partitionkey
        entry = moved("deposit", data.asset, data.amount, source=TRANSIT, target=available(user_id))
        deposited = FundsDeposited(
            asset=data.asset, amount=data.amount, provider=data.provider, reference=data.reference
        )
        return [self._ledger.post(event, entry), event.then(deposited)]
