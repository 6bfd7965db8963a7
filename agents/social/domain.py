"""The social domain, composed of its parts: take an event, write rows, return events. Imports no Faust."""

from __future__ import annotations

from agents.deadlines import Deadlines
from agents.dispatch import Dispatch, merged
from agents.facts import Facts
from agents.rulebook import Rulebook
from agents.social.constellations.domain import Constellations
from agents.social.people import People
from streams.events.clock import Ticked
from tables.social import SOCIAL_PROCESSED
from tables.social_constellations import SOCIAL_DEADLINES, DeadlineKind
from tables.typed import OpenTable
from tables.unit_of_work import UnitOfWork


class Social:
    """The handler of the social agents, over the domain's tables. Each part has its own rules and tables."""

    def __init__(self, open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool = False) -> None:
        self.tables = UnitOfWork(open_table)
        facts = Facts(self.tables, SOCIAL_PROCESSED, rulebook.repeats_days, at_least_once=at_least_once)
        deadlines: Deadlines[DeadlineKind] = Deadlines(
            self.tables.rows(SOCIAL_DEADLINES), rulebook.deadlines_per_tick_max
        )
        self.people = People(self.tables, rulebook.social.people, deadlines)
        self.constellations = Constellations(self.tables, rulebook.social, deadlines)
        rules = merged(self.people.rules(), self.constellations.rules(), {Ticked: deadlines.act})
        self.handle = Dispatch(self.people.of_active_accounts(rules), facts, rulebook.version)
