"""The ledger of a partition: balances of accounts, which only balanced entries change."""

from __future__ import annotations

from agents.financial.entries import Entry, OverdrawnError
from streams.events import AnyEvent
from streams.events.financial import LedgerPosted
from streams.ids import derived_id
from streams.times import MILLISECOND_US
from streams.units import Quantity
from tables.accounts import is_of_user, ledger_key
from tables.financial import FINANCIAL_LEDGER, Balance
from tables.unit_of_work import UnitOfWork


class Ledger:
    """The balances of a partition's accounts."""

    def __init__(self, tables: UnitOfWork) -> None:
        self.rows = tables.rows(FINANCIAL_LEDGER)

    def balance(self, account: str, asset: str) -> int:
        """Return what an account has, in 1e-18 of the asset."""
        row = self.rows.get(ledger_key(account, asset))
        return 0 if row is None else row.amount

    def post(self, cause: AnyEvent, entry: Entry, *, key: str = "", name: str = "") -> AnyEvent:
        """Apply an entry, and return its record, whose id derives from the cause.

        Args:
            cause: The event that moves the amounts.
            entry: The movement.
            key: The partition key of the record; by default that of the cause.
            name: Tells several entries of one cause apart that have one reason.

        Raises:
            OverdrawnError: when a user's account would go below 0. Nothing is written then.
        """
        self.apply(entry)
        names = ("entry", entry.reason, name)
        posted = LedgerPosted(
            entry_id=derived_id(cause.time // MILLISECOND_US, cause.id, *names),
            reason=entry.reason,
            asset=entry.asset,
            changes=dict(entry.changes),
        )
        return cause.then(posted, key=key, name=f"{entry.reason}:{name}")

    def apply(self, entry: Entry) -> None:
        """Apply an entry whose record another event is.

        Raises:
            OverdrawnError: when a user's account would go below 0. Nothing is written then.
        """
        after = {account: self.balance(account, entry.asset) + change for account, change in entry.changes.items()}
        for account, amount in after.items():
            if amount < 0 and is_of_user(account):
                left = Quantity(amount).text()
                raise OverdrawnError(f"{entry.reason!r} would leave {left} {entry.asset} in {account}")
        for account, amount in after.items():
            self.rows.put(ledger_key(account, entry.asset), Balance(amount=Quantity(amount)))
