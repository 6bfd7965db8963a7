"""What crosses from one domain of the oracle to another: facts, and the methods that each domain offers the others.

A domain calls another through `Community`, at once and in the order in which the product's events would follow. `at` is
the event time in microseconds. `causes` are the ids of the journal's entries that an effect comes from; a domain passes
them on, and adds the entries that it waited for. `source` is the id of the event that the product names as the cause,
where a row shows it; else it is empty.

The methods here do nothing. A domain derives from its class here and defines what it needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from tests.community.journal import Entry

Causes = tuple[str, ...]
Rows = dict[str, dict[str, dict[str, Any]]]
"""Tables by name, each with its rows by key. Values are plain JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A fill of a trade, of a venue or of practice. Amounts are integers of 1e-8 USD; `side` is buy or sell.

    `event_id` is the id of the `TradeExecuted` that the product emits, where the oracle can derive it.
    """

    user: str
    trade: str
    fill: str
    venue: str
    market: str
    side: str
    mode: str
    notional: int
    fee: int
    pnl: int
    closes: bool
    at: int
    causes: Causes
    event_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """A practice trade ended: its owner closed it, or a mark price liquidated it. Amounts are integers of 1e-8 USD."""

    user: str
    trade: str
    market: str
    side: str
    mode: str
    notional: int
    pnl: int
    liquidated: bool
    at: int
    causes: Causes
    event_id: str = ""


class Domain:
    """One domain of the oracle."""

    def apply(self, entry: Entry) -> None:
        """Apply an entry of the journal, with all that follows from it in every domain. Ignore what others handle."""

    def rows(self) -> Rows:
        """Return the rows of the domain's tables, by the product's names of the tables."""
        return {}

    def folded(self, table: str, key: str) -> set[str]:
        """Return the ids of the entries that a row comes from."""
        return set()


class Trading(Domain):
    """Trading, for the others."""

    def levelled(self, user: str, max_leverage: int, at: int, causes: Causes) -> None:
        """A level gave the user another maximum leverage."""


class Gamification(Domain):
    """Gamification, for the others."""

    def traded(self, execution: Execution) -> None:
        """A fill was executed."""

    def settled(self, settlement: Settlement) -> None:
        """A practice trade was closed or liquidated."""

    def interacted(self, user: str, kind: str, at: int, causes: Causes, *, source: str = "") -> None:
        """A user interacted with another: like, comment, share, endorse, follow or report."""

    def logged_in(self, user: str, at: int, causes: Causes) -> None:
        """A user signed in."""

    def joined_constellation(
        self, user: str, at: int, causes: Causes, *, constellation: str, founded: bool, source: str = ""
    ) -> None:
        """A user joined a constellation, or founded it and so joined it as its owner."""

    def left_constellation(self, user: str, at: int, causes: Causes) -> None:
        """A user left a constellation, was removed from it, or it was dissolved."""

    def rating_changed(self, user: str, rating_ppm: int, at: int, causes: Causes, *, source: str = "") -> None:
        """A user's social rating moved. It is in millionths of a point."""

    def battle_fought(
        self, user: str, at: int, causes: Causes, *, won: bool | None, prize: int, source: str = ""
    ) -> None:
        """A battle of the user ended. `won` is None for a tie; `prize` is the user's own, in stellar shards."""

    def battle_rated(self, constellation: str, rating: int, at: int, causes: Causes, *, source: str = "") -> None:
        """A constellation's battle rating moved."""

    def deposited(self, user: str, asset: str, amount: int, *, at: int, causes: Causes, source: str = "") -> None:
        """Money arrived for a user: whole units for SS and LM, 1e-8 for USD, 1e-18 for STRK."""

    def contributed(
        self, constellation: str, user: str, amount: int, *, at: int, causes: Causes, source: str = ""
    ) -> None:
        """A member's stellar shards reached the constellation."""


class Financial(Domain):
    """The ledger, for the others. `event_id` is the id of the product's event that brings the movement."""

    def traded(self, execution: Execution) -> None:
        """A fill was executed: its fee accrues."""

    def granted(self, user: str, amount: int, *, reason: str, at: int, causes: Causes, event_id: str = "") -> None:
        """Stellar shards were granted from the emission: `achievement`, `reward` or `battle`."""

    def contribution_requested(
        self, user: str, constellation: str, amount: int, *, at: int, causes: Causes, contribution: str = ""
    ) -> bool:
        """Return whether the user had so many stellar shards. If so, they are with the constellation now."""
        return False

    def reserve(
        self,
        reservation: str,
        buyer: str,
        at: int,
        causes: Causes,
        *,
        token: str,
        listing: str,
        asset: str,
        amount: int,
    ) -> bool:
        """Reserve the price of a token. Return whether the money was there."""
        return False

    def release(self, reservation: str, buyer: str, at: int, causes: Causes) -> None:
        """Release what a purchase reserved."""

    def capture(
        self,
        reservation: str,
        buyer: str,
        at: int,
        causes: Causes,
        *,
        seller: str,
        creator: str | None,
        platform_fee: int,
        creator_fee: int,
        proceeds: int,
    ) -> None:
        """Pay a sale with what the purchase reserved."""


class Nft(Domain):
    """Tokens, for the others."""

    def eligible(self, user: str, kind: str, at: int, causes: Causes) -> None:
        """A user may mint a genesis type: an achievement, a level, a foundation, a viral score, mastery."""


class Social(Domain):
    """The social domain, for the others."""

    def traded(self, execution: Execution) -> None:
        """A fill was executed: it counts for the battle that its user is in."""

    def settled(self, settlement: Settlement) -> None:
        """A practice trade ended: it counts for the battle that its user is in."""

    def levelled(self, user: str, level: int, at: int, causes: Causes) -> None:
        """A user reached a level."""

    def achieved(self, user: str, achievement: str, at: int, causes: Causes) -> None:
        """A user unlocked an achievement, such as `trades-1`."""

    def prestige_reached(self, user: str, tier: str, at: int, causes: Causes) -> None:
        """A user reached a tier of prestige."""

    def prestige_lost(self, user: str, tier: str | None, at: int, causes: Causes) -> None:
        """A user fell to a tier of prestige, or to none."""

    def token_received(self, user: str, token: str, kind: str, at: int, causes: Causes) -> None:
        """A user owns a token of a type, minted or bought."""


class User(Domain):
    """Accounts and inboxes, for the others."""

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
        """A user should see something. `cause_id` is the id of the product's event that it is about."""


class Domains(Protocol):
    """What a domain of the oracle may reach: all others. `Community` is one."""

    @property
    def partitions(self) -> int:
        """Return how many partitions a topic has."""

    @property
    def kept_days(self) -> int:
        """Return the days after which old rows leave; 0 for never."""

    @property
    def trading(self) -> Trading:
        """Return trading."""

    @property
    def gamification(self) -> Gamification:
        """Return gamification."""

    @property
    def financial(self) -> Financial:
        """Return the ledger."""

    @property
    def nft(self) -> Nft:
        """Return tokens."""

    @property
    def social(self) -> Social:
        """Return the social domain."""

    @property
    def user(self) -> User:
        """Return accounts and inboxes."""

    def everyone(self) -> Iterable[Domain]:
        """Return all domains, in the order in which they apply an entry."""
