"""A domain of the oracle alone: the others take what crosses and note it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.community.journal import TICK, Entry
from tests.community.oracle import crossing
from tests.community.oracle.crossing import Causes, Domain, Execution, Settlement
from tests.community.oracle.gamification import Gamification
from tests.community.oracle.times import at
from tests.community.oracle.user import User
from tests.oracle.fills import usd


class NotedTrading(crossing.Trading):
    """Notes the maximum leverage of each user."""

    def __init__(self) -> None:
        self.leverage: dict[str, int] = {}

    def levelled(self, user: str, max_leverage: int, at: int, causes: Causes) -> None:
        """Note a maximum leverage."""
        self.leverage[user] = max_leverage


class NotedFinancial(crossing.Financial):
    """Notes the shards that each user was granted, by reason."""

    def __init__(self) -> None:
        self.shards: list[tuple[str, str, int]] = []

    def granted(self, user: str, amount: int, *, reason: str, at: int, causes: Causes, event_id: str = "") -> None:
        """Note a grant."""
        self.shards.append((user, reason, amount))


class NotedNft(crossing.Nft):
    """Notes the genesis types that each user may mint."""

    def __init__(self) -> None:
        self.types: list[tuple[str, str]] = []

    def eligible(self, user: str, kind: str, at: int, causes: Causes) -> None:
        """Note a type."""
        self.types.append((user, kind))


class GameAlone:
    """The oracle's gamification and user. The other domains note what they are told."""

    def __init__(self, partitions: int = 4) -> None:
        self.partitions = partitions
        self.kept_days = 0
        self.trading = NotedTrading()
        self.financial = NotedFinancial()
        self.nft = NotedNft()
        self.social = crossing.Social()
        self.user = User(self)
        self.gamification = Gamification(self)
        self.entries = 0

    def everyone(self) -> Iterable[Domain]:
        """Return the domains that do something."""
        return self.user, self.gamification

    def divide(self, partitions: int) -> None:
        """Give each topic so many partitions, a multiple of what it has."""
        self.partitions = partitions
        self.gamification.boards.divide(partitions)

    def apply(self, entry: Entry) -> None:
        """Apply an entry to both domains."""
        for domain in self.everyone():
            domain.apply(entry)

    def rows(self) -> crossing.Rows:
        """Return the rows of both domains."""
        return {**self.user.rows(), **self.gamification.rows()}

    # --- short words for tests ----------------------------------------------------------------------------------------

    def happen(self, name: str, user: str, time: str, **data: Any) -> str:
        """Apply an entry; return its id."""
        self.entries += 1
        entry_id = f"entry-{self.entries}"
        self.apply(Entry(number=self.entries, at=at(time), name=name, user=user, id=entry_id, data=data))
        return entry_id

    def tick(self, time: str) -> str:
        """Apply a tick; return its id."""
        return self.happen(TICK, "", time)

    def fill(
        self, user: str, time: str, trade: str = "t1", notional: str = "1000", pnl: str = "0", *, closes: bool = False
    ) -> None:
        """Apply a fill of a venue in BTC."""
        self.entries += 1
        self.gamification.traded(
            Execution(
                user=user,
                trade=trade,
                fill=str(self.entries),
                venue="venue",
                market="BTC",
                side="buy",
                mode="live",
                notional=usd(notional),
                fee=0,
                pnl=usd(pnl),
                closes=closes,
                at=at(time),
                causes=(trade,),
            )
        )

    def settle(self, user: str, time: str, trade: str, pnl: str, *, liquidated: bool = False) -> None:
        """Apply the end of a practice trade in BTC."""
        self.gamification.settled(
            Settlement(
                user=user,
                trade=trade,
                market="BTC",
                side="long",
                mode="practice",
                notional=0,
                pnl=usd(pnl),
                liquidated=liquidated,
                at=at(time),
                causes=(trade,),
            )
        )

    def progress(self, user: str) -> dict[str, Any]:
        """Return the row of a user's progress."""
        return self.gamification.rows()["gamification-progress"][user]

    def xp_without_achievements(self, user: str) -> int:
        """Return a user's XP less those of achievements, each of which grants half of its shards."""
        earned = sum(amount for who, reason, amount in self.financial.shards if (who, reason) == (user, "achievement"))
        xp: int = self.progress(user)["xp"]
        return xp - earned // 2

    def inbox(self, user: str) -> list[str]:
        """Return the kinds of a user's notifications, oldest first."""
        return [one.kind for one in self.user.inboxes[user].kept]
