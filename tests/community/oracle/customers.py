"""What the ledger knows of users, from the events of their accounts; and who may move money (domain.md §7, §9)."""

from __future__ import annotations

from typing import Any, Final

from tests.community.journal import Entry
from tests.community.oracle.tables import Table

TIERS: Final = ("unverified", "email", "phone", "identity", "premium")
KYC_TIER: Final = "identity"
KYC_US_MAX: Final = 365 * 86_400_000_000

Row = dict[str, Any]


class Customers:
    """All users."""

    def __init__(self) -> None:
        self.table = Table("financial-customers")
        self.steps = {
            "AccountRegistered": self._registered,
            "AccountSuspended": self._suspended,
            "AccountReinstated": self._reinstated,
            "AccountClosed": self._closed,
            "VerificationChanged": self._verified,
            "EmailVerified": self._email_verified,
        }

    def of(self, user: str) -> Row:
        """Return a user."""
        unknown = {"tier": TIERS[0], "tier_at": 0, "suspended": False, "closed": False, "parent_id": None}
        return self.table.get(user) or unknown

    def may_not(self, user: str) -> str | None:
        """Return why a user may send no command."""
        customer = self.of(user)
        if customer["closed"]:
            return "account_closed"
        return "account_suspended" if customer["suspended"] else None

    def unverified(self, user: str, now: int) -> str | None:
        """Return why a user may not withdraw a large amount: no KYC, or an old one."""
        customer = self.of(user)
        if TIERS.index(customer["tier"]) < TIERS.index(KYC_TIER):
            return "verification_required"
        return "verification_too_old" if now - customer["tier_at"] > KYC_US_MAX else None

    def _put(self, entry: Entry, **fields: Any) -> None:
        self.table.put(entry.user, {**self.of(entry.user), **fields}, (entry.id,))

    def _registered(self, entry: Entry) -> None:
        self._put(entry, parent_id=entry.data.get("parent_id"))

    def _suspended(self, entry: Entry) -> None:
        self._put(entry, suspended=True)

    def _reinstated(self, entry: Entry) -> None:
        self._put(entry, suspended=False)

    def _closed(self, entry: Entry) -> None:
        self._put(entry, closed=True)

    def _verified(self, entry: Entry) -> None:
        self._put(entry, tier=entry.data["tier"], tier_at=entry.at)

    def _email_verified(self, entry: Entry) -> None:
        if self.of(entry.user)["tier"] == TIERS[0]:
            self._put(entry, tier="email", tier_at=entry.at)
        else:
            self._put(entry)
