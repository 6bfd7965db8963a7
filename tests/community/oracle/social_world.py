"""A world of the social domain for worked examples: short names for commands, and a record of what crosses domains."""

from __future__ import annotations

from typing import Any, Final

from tests.community.journal import Entry
from tests.community.oracle import Community, crossing
from tests.community.oracle.crossing import Causes, Execution
from tests.community.oracle.social import Social
from tests.community.oracle.social_numbers import HOUR, SECOND, SocialNumbers

NOON: Final = 1_767_614_400_000_000
"""2026-01-05T12:00:00Z."""


class Told(crossing.Gamification, crossing.Financial, crossing.Nft, crossing.User):
    """Stands for the other domains, and notes what they are told."""

    def __init__(self) -> None:
        self.interactions: list[tuple[str, str]] = []
        self.joined: list[str] = []
        self.founded: list[str] = []
        self.ratings: list[tuple[str, int]] = []
        self.fought: dict[str, bool | None] = {}
        self.paid: dict[str, int] = {}
        self.eligibles: list[tuple[str, str]] = []
        self.notified: list[tuple[str, str]] = []

    def interacted(self, user: str, kind: str, at: int, causes: Causes, *, source: str = "") -> None:
        self.interactions.append((user, kind))

    def joined_constellation(
        self, user: str, at: int, causes: Causes, *, constellation: str, founded: bool, source: str = ""
    ) -> None:
        self.joined.append(user)
        if founded:
            self.founded.append(user)

    def rating_changed(self, user: str, rating_ppm: int, at: int, causes: Causes, *, source: str = "") -> None:
        self.ratings.append((user, rating_ppm))

    def battle_fought(
        self, user: str, at: int, causes: Causes, *, won: bool | None, prize: int, source: str = ""
    ) -> None:
        self.fought[user] = won

    def granted(self, user: str, amount: int, *, reason: str, at: int, causes: Causes, event_id: str = "") -> None:
        self.paid[user] = amount

    def contribution_requested(
        self, user: str, constellation: str, amount: int, *, at: int, causes: Causes, contribution: str = ""
    ) -> bool:
        return True

    def eligible(self, user: str, kind: str, at: int, causes: Causes) -> None:
        self.eligibles.append((user, kind))

    def notify(
        self,
        user: str,
        kind: str,
        at: int,
        causes: Causes,
        *,
        text: str,
        arguments: dict[str, str],
        cause_id: str = "",
        event_id: str = "",
    ) -> None:
        self.notified.append((user, kind))


class World:
    """The social domain with registered people, and the other domains' ears."""

    def __init__(self, *people: str, numbers: SocialNumbers | None = None) -> None:
        community = Community()
        self.told = Told()
        community.user = community.nft = community.financial = community.gamification = self.told  # type: ignore[assignment]
        self.social = Social(community, numbers)
        self.number = 0
        for user in people:
            self.do("AccountRegistered", user, at=NOON - HOUR, user_id=user, role="user")

    def do(self, name: str, user: str = "", /, *, at: int = NOON, **data: Any) -> str:
        """Apply a command, an account's event or a tick; return its id."""
        self.number += 1
        entry = Entry(number=self.number, at=at, name=name, user=user, id=f"e-{self.number}", data=data)
        self.social.apply(entry)
        return entry.id

    def tick(self, at: int) -> None:
        """Tick."""
        self.do("Ticked", at=at)

    def trade(self, user: str, trade: str, pnl: str, at: int, *, closes: bool = True) -> None:
        """Execute a fill of a trade; its pnl is in USD."""
        whole, _, fraction = pnl.partition(".")
        amount = int(whole + f"{fraction:0<8}")
        self.social.traded(
            Execution(
                user=user,
                trade=trade,
                fill=f"{trade}-{at}",
                venue="tape",
                market="BTC",
                side="buy",
                mode="live",
                notional=1_000 * 10**8,
                fee=0,
                pnl=amount,
                closes=closes,
                at=at,
                causes=(f"fill {trade}",),
            )
        )

    def row(self, table: str, key: str) -> Any:
        """Return a row, or None."""
        return self.social.rows()[table].get(key)

    def found(self, owner: str, constellation: str, *members: str, **data: Any) -> None:
        """Let a user found a constellation, and others join it."""
        named = {"name": f"The {constellation}", **data}
        self.do("CreateConstellation", owner, constellation_id=constellation, **named)
        for user in members:
            self.do("JoinConstellation", user, constellation_id=constellation)

    def members(self, constellation: str) -> dict[str, str]:
        """Return the members of a constellation with their roles."""
        roster = self.row("social-rosters", constellation) or {"members": []}
        return {one["user_id"]: one["role"] for one in roster["members"]}


def after(seconds: int) -> int:
    """Return a time some seconds after noon."""
    return NOON + seconds * SECOND
