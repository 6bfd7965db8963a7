"""The social domain of the oracle alone, and a journal played to it and to the rules of all domains.

What crosses from other domains to the social one is taken from the events of the rules: trades, levels, achievements,
tokens, and whether the ledger had the shards of a contribution.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from agents.rulebook import Rulebook
from streams.events import AnyEvent
from streams.events.financial import ContributionPaid
from streams.events.gamification import AchievementUnlocked, LevelUp, PrestigeLost, PrestigeReached
from streams.events.nft import NFTReceived
from streams.events.trading import TradeClosed, TradeExecuted, TradeLiquidated
from tests.community.cluster_run import play_entry, stored
from tests.community.compared.engine import Difference, differences, rules
from tests.community.journal import Entry
from tests.community.oracle import Community, crossing
from tests.community.oracle.crossing import Causes, Execution, Settlement
from tests.community.oracle.social import Social
from tests.community.oracle.social_numbers import SocialNumbers
from tests.unit.agents.cluster import Cluster


class Shards(crossing.Financial):
    """Stands for the ledger: it pays the contributions that the rules' ledger has paid."""

    def __init__(self) -> None:
        self.paid: set[tuple[str, int]] = set()

    def contribution_requested(
        self, user: str, constellation: str, amount: int, *, at: int, causes: Causes, contribution: str = ""
    ) -> bool:
        """Return whether the rules' ledger paid a contribution of the user at this time."""
        return (user, at) in self.paid


class SocialAlone(Community):
    """The social domain between domains that do nothing."""

    social: Social
    shards: Shards

    def __init__(self, numbers: SocialNumbers | None = None) -> None:
        super().__init__()
        others = (crossing.User(), crossing.Trading(), crossing.Nft(), Shards(), crossing.Gamification())
        self.user, self.trading, self.nft, self.financial, self.gamification = others  # type: ignore[assignment]
        self.shards = others[3]
        self.social = Social(self, numbers)

    def hear(self, event: AnyEvent, causes: Causes) -> None:
        """Tell the social domain what another domain of the rules decided."""
        data, user, at, social = event.data, event.partitionkey, int(event.time), self.social
        match data:
            case LevelUp():
                social.levelled(user, data.new, at, causes)
            case AchievementUnlocked():
                social.achieved(user, data.achievement, at, causes)
            case PrestigeReached():
                social.prestige_reached(user, data.tier, at, causes)
            case PrestigeLost():
                social.prestige_lost(user, data.tier, at, causes)
            case NFTReceived():
                social.token_received(user, data.token_id, data.type, at, causes)
            case TradeExecuted():
                social.traded(_execution(data, user, at, causes))
            case TradeClosed() | TradeLiquidated():
                social.settled(_settlement(data, user, at, causes))


def _execution(data: TradeExecuted, user: str, at: int, causes: Causes) -> Execution:
    return Execution(
        user=user,
        trade=data.trade_id,
        fill=data.fill_id,
        venue=data.venue,
        market=data.market,
        side=data.side,
        mode=data.mode,
        notional=int(data.notional_usd),
        fee=int(data.fee_usd),
        pnl=int(data.closed_pnl_usd),
        closes=data.closes,
        at=at,
        causes=causes,
    )


def _settlement(data: TradeClosed | TradeLiquidated, user: str, at: int, causes: Causes) -> Settlement:
    return Settlement(
        user=user,
        trade=data.trade_id,
        market=data.market,
        side=data.side,
        mode=data.mode,
        notional=int(data.notional_usd),
        pnl=int(data.pnl_usd),
        liquidated=isinstance(data, TradeLiquidated),
        at=at,
        causes=causes,
    )


def play_both(
    journal: Iterable[Entry],
    rulebook: Rulebook | None = None,
    numbers: SocialNumbers | None = None,
    *,
    random: Random | None = None,
) -> tuple[Cluster, SocialAlone]:
    """Play a journal to the rules and to the oracle, entry by entry."""
    cluster, alone = Cluster(4, rulebook, random=random), SocialAlone(numbers)
    for entry in journal:
        before = len(cluster.events)
        play_entry(cluster, entry)
        followed = cluster.events[before:]
        paid = (one for one in followed if isinstance(one.data, ContributionPaid))
        alone.shards.paid = {(one.partitionkey, int(one.time)) for one in paid}
        alone.apply(entry)
        for event in followed:
            alone.hear(event, (entry.id,))
    return cluster, alone


def differing(cluster: Cluster, alone: SocialAlone) -> list[Difference]:
    """Return the rows of the social domain that differ."""
    return list(differences(stored(cluster), alone.social.rows(), rules("social")))
