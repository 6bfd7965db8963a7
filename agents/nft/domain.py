"""The nft domain: take an event, write rows, return events. Imports no Faust."""

from __future__ import annotations

from msgspec.structs import replace

from agents.dispatch import Dispatch
from agents.facts import Facts
from agents.rulebook import Rulebook
from streams.events import AnyEvent, Event
from streams.events.gamification import AchievementUnlocked
from streams.events.nft import NFTEligible
from tables.nft import NFT_COLLECTORS, NFT_PROCESSED, Collector
from tables.typed import OpenTable
from tables.unit_of_work import UnitOfWork


class Nft:
    """The handlers of the nft agents, over the domain's tables."""

    def __init__(self, open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool = False) -> None:
        self.policy = rulebook.nft
        self.tables = UnitOfWork(open_table)
        facts = Facts(self.tables, NFT_PROCESSED, rulebook.repeats_days, at_least_once=at_least_once)
        self.collectors = self.tables.rows(NFT_COLLECTORS)
        self.handle = Dispatch({AchievementUnlocked: self._achieved}, facts, rulebook.version)

    def _achieved(self, event: Event[AchievementUnlocked]) -> list[AnyEvent]:
        """Make a user eligible for the types that need an achievement."""
        collector = self.collectors.get(event.partitionkey) or Collector()
        new = {
            kind: rule.rarity
            for kind, rule in self.policy.types.items()
            if rule.achievement == event.data.achievement and kind not in collector.eligible
        }
        if not new:
            return []
        eligible = {**collector.eligible, **dict.fromkeys(new, int(event.time))}
        self.collectors.put(event.partitionkey, replace(collector, eligible=eligible))
        return [event.then(NFTEligible(type=kind, rarity=rarity), name=kind) for kind, rarity in new.items()]
