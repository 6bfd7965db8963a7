"""A balanced ledger entry. One that does not balance cannot be made. Pure functions; amounts in 1e-18 of the asset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.assets import Asset, is_whole
from streams.units import Quantity


class UnbalancedEntryError(ValueError):
    """The changes of an entry do not sum to 0, change nothing, or are no whole units of their asset."""


class OverdrawnError(ValueError):
    """An entry would take a user's account below 0."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement: the change of each account, in one asset. Accounts without a change are left out."""

    reason: str
    asset: Asset
    changes: Mapping[str, Quantity] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an entry that is no movement.

        Raises:
            UnbalancedEntryError: naming the fault.
        """
        if not self.changes or any(change == 0 for change in self.changes.values()):
            raise UnbalancedEntryError(f"the entry {self.reason!r} leaves an account as it is")
        if total := sum(self.changes.values()):
            raise UnbalancedEntryError(f"the changes of the entry {self.reason!r} sum to {Quantity(total).text()}")
        if not all(is_whole(self.asset, change) for change in self.changes.values()):
            raise UnbalancedEntryError(f"the entry {self.reason!r} has parts of the smallest unit of {self.asset}")


def entry(reason: str, asset: Asset, changes: Mapping[str, int]) -> Entry:
    """Return the entry of some changes, without those that are 0."""
    return Entry(reason, asset, {account: Quantity(change) for account, change in changes.items() if change})


def moved(reason: str, asset: Asset, amount: int, *, source: str, target: str) -> Entry:
    """Return the entry that moves an amount from one account to another."""
    return entry(reason, asset, {source: -amount, target: amount})
