"""The double-entry ledger: accounts by asset, which only balanced entries change (domain.md §12, decision 0038).

Amounts are in 1e-18 of the asset, and whole numbers of its smallest unit. What leaves one partition of the product and
enters another goes through `transit`, which holds nothing in between, because the oracle does both at once.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from tests.community.oracle.amounts import SMALLEST
from tests.community.oracle.crossing import Causes
from tests.community.oracle.tables import Table

EMISSION: Final = "platform:emission"
TREASURY: Final = "platform:treasury"
TRANSIT: Final = "transit"


def available(user: str) -> str:
    """Return the account of what a user can spend."""
    return f"user:{user}:available"


def reserved(user: str) -> str:
    """Return the account of what is set aside for a user's withdrawals and purchases."""
    return f"user:{user}:reserved"


def outside(name: str) -> str:
    """Return the account of a venue, a bank or a chain."""
    return f"outside:{name}"


def fees_of(source: str) -> str:
    """Return the account of the fees of a source."""
    return f"platform:fees:{source}"


class Ledger:
    """The balances of all accounts."""

    def __init__(self) -> None:
        self.table = Table("financial-ledger")

    def balance(self, account: str, asset: str) -> int:
        """Return what an account has."""
        row = self.table.get(f"{account}|{asset}")
        return row["amount"] if row else 0

    def post(self, asset: str, changes: dict[str, int], causes: Causes) -> None:
        """Make an entry. Changes of 0 are left out.

        Raises:
            ValueError: the entry does not balance, has a part of a smallest unit, or overdraws a user's account.
        """
        if sum(changes.values()) != 0 or any(change % SMALLEST[asset] for change in changes.values()):
            raise ValueError(f"no entry of {asset}: {changes}")
        for account, change in changes.items():
            amount = self.balance(account, asset) + change
            if amount < 0 and account.startswith("user:"):
                raise ValueError(f"{account} would have {amount} {asset}")
            if change:
                self.table.put(f"{account}|{asset}", {"amount": amount}, causes)

    def move(self, asset: str, amount: int, causes: Causes, *, source: str, target: str) -> None:
        """Move an amount from one account to another."""
        self.post(asset, {source: -amount, target: amount}, causes)

    def sums(self) -> Counter[str]:
        """Return the sum over all accounts by asset. Each is 0."""
        found: Counter[str] = Counter()
        for key, row in self.table.rows.items():
            found[key.rpartition("|")[2]] += row["amount"]
        return found
