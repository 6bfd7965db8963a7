"""The trading domain of the oracle: practice orders, venues' fills, liquidations, and who may trade (domain.md §3, §9).

`trading-processed` is not computed: it holds hashes of ids.

One round: a user sends one order, and nothing else in the round suspends, verifies or levels up that user. A mark price
is a round of its own, because it ends trades of many users. Fills are rounds of their own.
"""

from __future__ import annotations

from tests.community.journal import PRICE, Entry
from tests.community.oracle import crossing, tables
from tests.community.oracle.crossing import Causes, Domains, Rows
from tests.community.oracle.practice import Practice
from tests.community.oracle.trading_books import TIERS, Books
from tests.community.oracle.venue_fills import VenueFills


class Trading(crossing.Trading):
    """Applies orders, fills, mark prices, and events of accounts."""

    def __init__(self, community: Domains) -> None:
        self.community = community
        self.books = Books(community)
        practice = Practice(self.books)
        self._steps = {
            "OpenTrade": practice.order,
            "CloseTrade": practice.close,
            "ReportFill": VenueFills(self.books).report,
            PRICE: practice.mark,
            "AccountSuspended": self._suspended,
            "AccountClosed": self._suspended,
            "AccountReinstated": self._reinstated,
            "VerificationChanged": self._verified,
            "EmailVerified": self._email_verified,
        }

    def apply(self, entry: Entry) -> None:
        """Apply an order, a fill, a mark price or an event of an account."""
        if step := self._steps.get(entry.name):
            step(entry)

    def rows(self) -> Rows:
        """Return all tables."""
        return tables.rows_of(self.books.tables)

    def folded(self, table: str, key: str) -> set[str]:
        """Return the entries behind a row."""
        return tables.folded(self.books.tables, table, key)

    def levelled(self, user: str, max_leverage: int, at: int, causes: Causes) -> None:
        """Raise the maximum leverage. It never falls."""
        highest = max(max_leverage, self.books.account(user)["max_leverage"])
        self.books.change_account(user, causes, max_leverage=highest)

    def _suspended(self, entry: Entry) -> None:
        was = self.books.account(entry.user)["suspended"]
        self.books.change_account(entry.user, (entry.id,), suspended=True)
        if not was:
            text = "account_closed" if entry.name == "AccountClosed" else "account_suspended"
            self.community.user.notify(entry.user, "account_suspended", entry.at, (entry.id,), text=text, arguments={})

    def _reinstated(self, entry: Entry) -> None:
        self.books.change_account(entry.user, (entry.id,), suspended=False)

    def _verified(self, entry: Entry) -> None:
        self.books.change_account(entry.user, (entry.id,), tier=entry.data["tier"])

    def _email_verified(self, entry: Entry) -> None:
        tier = max(self.books.account(entry.user)["tier"], "email", key=TIERS.index)
        self.books.change_account(entry.user, (entry.id,), tier=tier)
