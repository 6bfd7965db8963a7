"""The social domain: take an event, write rows, return events. Imports no Faust."""

from __future__ import annotations

from agents.dispatch import Dispatch
from agents.facts import Facts
from agents.rulebook import Rulebook
from streams.events import AnyEvent, Event
from streams.events.social import CreateProfile, ProfileCreated
from tables.social import SOCIAL_PROCESSED, SOCIAL_PROFILES, SocialProfile
from tables.typed import OpenTable
from tables.unit_of_work import UnitOfWork


class Social:
    """The handlers of the social agents, over the domain's tables."""

    def __init__(self, open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool = False) -> None:
        self.tables = UnitOfWork(open_table)
        facts = Facts(self.tables, SOCIAL_PROCESSED, rulebook.repeats_days, at_least_once=at_least_once)
        self.profiles = self.tables.rows(SOCIAL_PROFILES)
        self.handle = Dispatch({CreateProfile: self._profile}, facts, rulebook.version)

    def _profile(self, event: Event[CreateProfile]) -> list[AnyEvent]:
        profile = event.data
        row = SocialProfile(display_name=profile.display_name, bio=profile.bio, updated_at=int(event.time))
        self.profiles.put(event.partitionkey, row)
        return [event.then(ProfileCreated(display_name=profile.display_name, bio=profile.bio))]
