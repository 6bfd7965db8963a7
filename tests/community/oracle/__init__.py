"""The oracle of the community: every row of the six domains, computed from a journal by `domain.md` alone.

It imports the standard library, the journal, and the independent oracle of fills (`tests.oracle`). Of the product it
knows only the names of commands and fields.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.community.journal import Entry
from tests.community.oracle.crossing import Domain, Rows
from tests.community.oracle.financial import Financial
from tests.community.oracle.gamification import Gamification
from tests.community.oracle.nft import Nft
from tests.community.oracle.social import Social
from tests.community.oracle.trading import Trading
from tests.community.oracle.user import User


class Community:
    """All six domains. Apply the entries of a journal in their order, then compare `rows`.

    Attributes:
        partitions: How many partitions a topic has. Each seals its own part of a board.
        kept_days: The days after which old rows leave; 0 for never.
    """

    def __init__(self, partitions: int = 4, kept_days: int = 0) -> None:
        self.partitions = partitions
        self.kept_days = kept_days
        self.user = User(self)
        self.trading = Trading(self)
        self.social = Social(self)
        self.nft = Nft(self)
        self.financial = Financial(self)
        self.gamification = Gamification(self)

    def everyone(self) -> Iterable[Domain]:
        """Return all domains, in the order in which they apply an entry.

        Gamification comes first: it looks at its boards at a tick before what the tick ends in other domains, such as a
        battle, reaches it.
        """
        return (self.gamification, self.user, self.trading, self.social, self.nft, self.financial)

    def divide(self, partitions: int) -> None:
        """Give each topic so many partitions, a multiple of what it has."""
        self.partitions = partitions
        self.gamification.boards.divide(partitions)

    def apply(self, entry: Entry) -> None:
        """Apply an entry with all its consequences."""
        for domain in self.everyone():
            domain.apply(entry)

    def apply_all(self, entries: Iterable[Entry]) -> None:
        """Apply entries in their order."""
        for entry in entries:
            self.apply(entry)

    def rows(self) -> Rows:
        """Return every table that the oracle computes, by the product's names."""
        found: Rows = {}
        for domain in self.everyone():
            rows = domain.rows()
            if both := found.keys() & rows.keys():
                raise ValueError(f"two domains of the oracle have rows of {sorted(both)}")
            found |= rows
        return found

    def may_have_left(self, table: str, key: str) -> bool:
        """Return whether a row of `rows` is so old that the product may have deleted it."""
        if not self.kept_days:
            return False
        if table == "trading-trades":
            return self.trading.books.is_past(*key.split("|"))
        return table.startswith("gamification-") and self.gamification.is_past(table, key)

    def folded(self, table: str, key: str) -> set[str]:
        """Return the ids of the entries that a row comes from."""
        name = table.partition("-")[0]
        domain: Domain = getattr(self, name)
        return domain.folded(table, key)
