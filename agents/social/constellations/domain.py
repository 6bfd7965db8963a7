"""Constellations and battles: compose their parts over the domain's tables."""

from __future__ import annotations

from agents.deadlines import Deadlines
from agents.dispatch import Rules, merged
from agents.social.battles.battles import Battles
from agents.social.battles.engagements import Engagements
from agents.social.battles.entries import Entries
from agents.social.constellations.names import Names
from agents.social.constellations.registry import Registry
from agents.social.constellations.slots import Slots
from agents.social.constellations.succession import Succession
from agents.social.policy import SocialPolicy
from tables.social_constellations import DeadlineKind
from tables.unit_of_work import UnitOfWork


class Constellations:
    """The rules about constellations and battles, over their tables."""

    def __init__(self, tables: UnitOfWork, policy: SocialPolicy, deadlines: Deadlines[DeadlineKind]) -> None:
        self.slots = Slots(tables, policy.constellations, deadlines)
        self.names = Names(tables)
        self.registry = Registry(tables, policy.constellations, policy.battles.rating.first)
        self.succession = Succession(self.registry)
        self.engagements = Engagements(self.registry, policy.battles, deadlines)
        self.battles = Battles(tables, policy.battles, deadlines)
        self.entries = Entries(tables, policy.battles, deadlines)

    def rules(self) -> Rules:
        """Return the rules of each class of event."""
        parts = (
            self.slots,
            self.names,
            self.registry,
            self.succession,
            self.engagements,
            self.battles,
            self.entries,
        )
        return merged(*(part.rules() for part in parts))
