"""The social domain of the oracle: people, constellations and battles (domain.md sections 6, 10, 14).

One round: a user acts at most once, and at most one endorsement or report is of a target, because their order decides
the rating. At most one command touches a constellation or a battle; a name is asked for at most once. A command about
content comes in a later round than the share that made it, and than a share that makes older contents give way.
"""

from __future__ import annotations

from tests.community.journal import Entry
from tests.community.oracle import crossing
from tests.community.oracle.battles import Battles
from tests.community.oracle.behind import Behind
from tests.community.oracle.constellations import Constellations
from tests.community.oracle.crossing import Causes, Domains, Execution, Rows, Settlement
from tests.community.oracle.feed import Feed
from tests.community.oracle.people import People
from tests.community.oracle.social_numbers import SocialNumbers


class Social(crossing.Social):
    """Applies what concerns the social domain."""

    def __init__(self, community: Domains, numbers: SocialNumbers | None = None) -> None:
        numbers = numbers or SocialNumbers()
        self.behind = Behind()
        self.feed = Feed(numbers.people.entries_kept, self.behind, lambda user: self.people.person(user).closed)
        self.people = People(community, numbers.people, self.feed, self.behind)
        self.constellations = Constellations(
            community, numbers.constellations, numbers.battles.rating_first, self.feed, self.behind
        )
        self.battles = Battles(community, numbers.battles, self.constellations, self.feed, self.behind)
        self.commands = self.people.commands | self.constellations.commands | self.battles.commands
        self.facts = self.people.facts | {"Ticked": self.battles.tick, "AccountClosed": self._closed}

    def apply(self, entry: Entry) -> None:
        """Apply an entry of the journal. A suspended or closed account loses its commands."""
        handler = self.facts.get(entry.name)
        if handler is None and self.people.is_active(entry.user):
            handler = self.commands.get(entry.name)
        if handler is not None:
            handler(entry)

    def _closed(self, entry: Entry) -> None:
        """Forget a person, who leaves the constellation."""
        self.people.closed(entry)
        dissolved = self.constellations.closed(entry)
        if dissolved is not None:
            self.battles.left_alone(dissolved, entry)

    # --- what the other domains tell ----------------------------------------------------------------------------------

    def traded(self, execution: Execution) -> None:
        """Count a fill for the battle that its user is in."""
        self.battles.traded(
            execution.user,
            execution.trade,
            execution.pnl,
            closing=execution.closes or execution.pnl != 0,
            at=execution.at,
            causes=execution.causes,
        )

    def settled(self, settlement: Settlement) -> None:
        """Count the end of a practice trade for the battle that its user is in."""
        self.battles.traded(
            settlement.user,
            settlement.trade,
            settlement.pnl,
            closing=True,
            at=settlement.at,
            causes=settlement.causes,
        )

    def levelled(self, user: str, level: int, at: int, causes: Causes) -> None:
        """Show a new level to the user's followers."""
        self.feed.add(user, "level_up", "feed.level_up", {"level": str(level)}, at=at, causes=causes)

    def achieved(self, user: str, achievement: str, at: int, causes: Causes) -> None:
        """Show an achievement to the user's followers."""
        self.feed.add(user, "achievement", "feed.achievement", {"achievement": achievement}, at=at, causes=causes)

    def prestige_reached(self, user: str, tier: str, at: int, causes: Causes) -> None:
        """Note a tier of prestige, and show it to the user's followers."""
        self.people.change(user, causes, prestige=tier)
        self.feed.add(user, "prestige", "feed.prestige", {"tier": tier}, at=at, causes=causes)

    def prestige_lost(self, user: str, tier: str | None, at: int, causes: Causes) -> None:
        """Note the tier that a user fell to."""
        self.people.change(user, causes, prestige=tier)

    def token_received(self, user: str, token: str, kind: str, at: int, causes: Causes) -> None:
        """Show a token to the followers of its new owner."""
        self.feed.add(user, "nft", "feed.nft", {"token_id": token, "type": kind}, at=at, causes=causes)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def rows(self) -> Rows:
        """Return the rows of the domain's tables."""
        people, constellations, battles = self.people.rows(), self.constellations.rows(), self.battles.rows()
        return {**people, "social-feed": self.feed.rows(), **constellations, **battles}

    def folded(self, table: str, key: str) -> set[str]:
        """Return the ids of the entries that changed a row."""
        return self.behind.folded(table, key)
