"""Facts of other domains as entries of a journal, for tests of gamification and user without the other oracles.

`play` of `cluster_run` sends any event of the catalogue to the rules. `FactsAlone` applies the same
facts to the oracle.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from streams.events import encode
from tables.gamification import GAMIFICATION_PROGRESS
from tests.community.cluster_run import SHOWN_MAX, play_entry, stored
from tests.community.compared.engine import Difference, differences, rules
from tests.community.journal import ACCOUNTS, TICK, Entry
from tests.community.oracle.alone import GameAlone
from tests.community.oracle.crossing import Execution, Settlement
from tests.community.resized import resize
from tests.oracle.fills import usd
from tests.unit.agents.cluster import Cluster

DOMAINS: Final = ("gamification", "user")
TOLD: Final = ACCOUNTS | {
    TICK, "ClaimReward", "ChangePreferences", "ReadNotifications", "SponsorCall", "SponsoredCallReported"
}  # fmt: skip
"""What the oracle applies itself."""


class FactsAlone(GameAlone):
    """The oracle's gamification and user, which take the facts of other domains as entries."""

    def apply(self, entry: Entry) -> None:
        """Apply a fact, or what the domains apply themselves."""
        tell = getattr(self, f"_{entry.name}", None)
        if tell is None:
            super().apply(entry)
        else:
            tell(entry, entry.data, entry.user, entry.at, (entry.id,))

    def _TradeExecuted(self, entry: Entry, data: Any, user: str, at: int, causes: tuple[str, ...]) -> None:
        execution = Execution(
            user=user, trade=data["trade_id"], fill=data["fill_id"], venue=data["venue"], market=data["market"],
            side=data["side"], mode=data["mode"], notional=usd(data["notional_usd"]), fee=usd(data["fee_usd"]),
            pnl=usd(data["closed_pnl_usd"]), closes=data["closes"], at=at, causes=causes,
        )  # fmt: skip
        self.gamification.traded(execution)

    def _TradeClosed(self, entry: Entry, data: Any, user: str, at: int, causes: tuple[str, ...]) -> None:
        settlement = Settlement(
            user=user, trade=data["trade_id"], market=data["market"], side=data["side"], mode=data["mode"],
            notional=usd(data["notional_usd"]), pnl=usd(data["pnl_usd"]),
            liquidated=entry.name == "TradeLiquidated", at=at, causes=causes,
        )  # fmt: skip
        self.gamification.settled(settlement)

    _TradeLiquidated = _TradeClosed

    def _Interacted(self, entry: Entry, data: Any, user: str, at: int, causes: tuple[str, ...]) -> None:
        self.gamification.interacted(user, data["kind"], at, causes)

    def _SocialRatingChanged(self, entry: Entry, data: Any, user: str, at: int, causes: tuple[str, ...]) -> None:
        self.gamification.rating_changed(user, data["rating_ppm"], at, causes)

    def _ConstellationJoined(self, entry: Entry, data: Any, user: str, at: int, causes: tuple[str, ...]) -> None:
        constellation, founded = data["constellation_id"], data["role"] == "owner"
        self.gamification.joined_constellation(user, at, causes, constellation=constellation, founded=founded)

    def _ConstellationLeft(self, entry: Entry, data: Any, user: str, at: int, causes: tuple[str, ...]) -> None:
        self.gamification.left_constellation(user, at, causes)

    def _BattleFought(self, entry: Entry, data: Any, user: str, at: int, causes: tuple[str, ...]) -> None:
        self.gamification.battle_fought(user, at, causes, won=data.get("won"), prize=data["prize_ss"])

    def _ContributionReceived(self, entry: Entry, data: Any, user: str, at: int, causes: tuple[str, ...]) -> None:
        constellation = user  # its events have its id as key
        self.gamification.contributed(constellation, data["user_id"], data["amount"], at=at, causes=causes)

    def _FundsDeposited(self, entry: Entry, data: Any, user: str, at: int, causes: tuple[str, ...]) -> None:
        amount = usd(data["amount"]) if data["asset"] == "USD" else 0
        self.gamification.deposited(user, data["asset"], amount, at=at, causes=causes)

    def _Notified(self, entry: Entry, data: Any, user: str, at: int, causes: tuple[str, ...]) -> None:
        self.user.notify(user, data["kind"], at, causes, text=data["text"], arguments=data["arguments"])


def play_facts(
    entries: Iterable[Entry], partitions: int = 4, resized: Mapping[int, int] = MappingProxyType({})
) -> tuple[Cluster, FactsAlone]:
    """Play facts to the rules of both domains alone and to the oracle.

    The progress of the user whom an entry is about is compared after each entry. `resized` has new numbers of
    partitions, by the number of the entry before which they hold.
    """
    cluster, alone = Cluster(partitions), FactsAlone(partitions)
    cluster.workers = [{name: workers[name] for name in DOMAINS} for workers in cluster.workers]
    for entry in entries:
        if entry.number in resized:
            resize(cluster, resized[entry.number])
            alone.divide(cluster.partitions)
        play_entry(cluster, entry)
        alone.apply(entry)
        player, row = alone.gamification.players.get(entry.user), cluster.row(GAMIFICATION_PROGRESS, entry.user)
        assert (player and player.row()) == (row and row.as_json()), f"{entry} gave the user another progress"
    return cluster, alone


def assert_game_equal(
    entries: Iterable[Entry], partitions: int = 4, resized: Mapping[int, int] = MappingProxyType({})
) -> tuple[Cluster, FactsAlone]:
    """Play facts as `play_facts` does, and fail with the first rows that differ at the end."""
    cluster, alone = play_facts(entries, partitions, resized)
    _assert_none(differences(stored(cluster), alone.rows(), rules(*DOMAINS)))
    return cluster, alone


OWN_KINDS: Final = frozenset(
    {"level_up", "achievement", "reward_granted", "reward_expiring", "streak_breaking", "overtaken"}
)
"""The kinds of notifications that gamification sends itself."""


def facts_of(cluster: Cluster) -> list[Entry]:
    """Return what gamification and user were told in a cluster, each fact under the id of its first cause."""
    facts: list[Entry] = []
    ticked: set[str] = set()
    for event in cluster.events:
        name, data = type(event.data).__name__, json.loads(encode(event)).get("data", {})
        own = name == "Notified" and data["kind"] in OWN_KINDS
        if own or event.id in ticked or not (name in TOLD or hasattr(FactsAlone, f"_{name}")):
            continue
        if name == TICK:
            ticked.add(event.id)
        cause = event.correlationid or event.id
        facts.append(Entry(number=len(facts), at=event.time, name=name, user=event.partitionkey, id=cause, data=data))
    return facts


def assert_facts_equal(cluster: Cluster) -> FactsAlone:
    """Apply to the oracle what gamification and user were told in a cluster, and compare their rows with its rows."""
    alone = FactsAlone(cluster.partitions)
    for fact in facts_of(cluster):
        alone.apply(fact)
    _assert_none(differences(stored(cluster), alone.rows(), rules(*DOMAINS)))
    return alone


def _assert_none(different: Iterable[Difference]) -> None:
    found = list(different)
    shown = "\n".join(one.text() for one in found[:SHOWN_MAX])
    assert not found, f"{len(found)} rows differ:\n{shown}"
