"""The nft domain: take an event, write rows, return events. Imports no Faust."""

from __future__ import annotations

from agents.deadlines import Deadlines
from agents.dispatch import Dispatch, merged
from agents.facts import Facts
from agents.nft.market import Market
from agents.nft.mints import Mints
from agents.rulebook import Rulebook
from streams.events.clock import Ticked
from tables.nft import NFT_DEADLINES, NFT_PROCESSED, DeadlineKind
from tables.typed import OpenTable
from tables.unit_of_work import UnitOfWork


class Nft:
    """The handlers of the nft agents, over the domain's tables."""

    def __init__(self, open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool = False) -> None:
        self.tables = UnitOfWork(open_table)
        facts = Facts(self.tables, NFT_PROCESSED, rulebook.repeats_days, at_least_once=at_least_once)
        self.mints = Mints(self.tables, rulebook.nft)
        deadlines: Deadlines[DeadlineKind] = Deadlines(self.tables.rows(NFT_DEADLINES), rulebook.deadlines_per_tick_max)
        self.market = Market(self.tables, rulebook.nft, deadlines)
        self.handle = Dispatch(
            merged(self.mints.rules, self.market.rules, {Ticked: deadlines.act}), facts, rulebook.version
        )
