"""People: their profiles. Takes an event, writes rows, returns events. Imports no Faust."""

from __future__ import annotations

from agents.dispatch import Rules
from streams.events import AnyEvent, Event
from streams.events.social import CreateProfile, ProfileCreated
from tables.social_people import SOCIAL_PROFILES, SocialProfile
from tables.unit_of_work import UnitOfWork


class People:
    """The rules about people, over their tables."""

    def __init__(self, tables: UnitOfWork) -> None:
        self.profiles = tables.rows(SOCIAL_PROFILES)

    def rules(self) -> Rules:
        """Return the rule of each class of event."""
        return {CreateProfile: self._profile}

    def _profile(self, event: Event[CreateProfile]) -> list[AnyEvent]:
        profile = event.data
        row = SocialProfile(display_name=profile.display_name, bio=profile.bio, updated_at=int(event.time))
        self.profiles.put(event.partitionkey, row)
        return [event.then(ProfileCreated(display_name=profile.display_name, bio=profile.bio))]
