"""People: accounts, profiles and prestige; and the rules of interactions, contents and feeds. Imports no Faust."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from agents.deadlines import Deadlines
from agents.dispatch import Rule, Rules, merged
from agents.social.contents import Sharing
from agents.social.feed import Feed
from agents.social.interactions import Interacting
from agents.social.people_policy import PeoplePolicy
from agents.social.people_tables import PeopleTables
from agents.social.received import Receiving
from agents.social.refusals import barred, rejected
from streams.events import AnyEvent, Command, Event, EventData
from streams.events.gamification import PrestigeLost, PrestigeReached
from streams.events.social import CreateProfile, ProfileCreated
from streams.events.user import (
    AccountClosed,
    AccountRegistered,
    AccountReinstated,
    AccountSuspended,
    ProfileChanged,
)
from tables.social_constellations import DeadlineKind
from tables.social_people import Person, SocialProfile
from tables.unit_of_work import UnitOfWork


def _registered(person: Person, data: AccountRegistered, time: int) -> Person:
    """Make a person known. A sub-account is not a person, and others cannot act on it."""
    return person if data.parent_id else replace(person, registered_at=time)


ACCOUNTS: Final[Mapping[type[EventData], Callable[[Person, Any, int], Person]]] = {
    AccountRegistered: _registered,
    ProfileChanged: lambda person, data, _: replace(person, private=data.private),
    AccountSuspended: lambda person, _, __: replace(person, suspended=True),
    AccountReinstated: lambda person, _, __: replace(person, suspended=False),
}
"""What each event of an account changes in a person's row."""


class People:
    """The rules about people, over their tables."""

    def __init__(self, tables: UnitOfWork, policy: PeoplePolicy, deadlines: Deadlines[DeadlineKind]) -> None:
        self._tables = PeopleTables(tables, policy)
        self._feed = Feed(self._tables, policy)
        self._interacting = Interacting(self._tables, policy, deadlines)
        self._sharing = Sharing(self._tables, policy, self._feed)
        self._receiving = Receiving(self._tables, policy, self._interacting, self._sharing)

    def rules(self) -> Rules:
        """Return the rule of each class of event."""
        own: Rules = {
            CreateProfile: self._profile,
            **dict.fromkeys(ACCOUNTS, self._account),
            AccountClosed: self._closed,
            PrestigeReached: self._prestige,
            PrestigeLost: self._prestige,
        }
        parts = (self._interacting, self._receiving, self._sharing, self._feed)
        return merged(own, *(part.rules() for part in parts))

    def of_active_accounts(self, rules: Rules) -> Rules:
        """Return rules that reject every command of a suspended or closed account."""
        return {
            model: self._of_active_accounts(rule) if issubclass(model, Command) else rule
            for model, rule in rules.items()
        }

    def _of_active_accounts(self, rule: Rule) -> Rule:
        def apply(event: AnyEvent) -> list[AnyEvent]:
            if reason := barred(self._tables.person(event.partitionkey)):
                return [rejected(event, type(event.data), reason, event.partitionkey)]
            return rule(event)

        return apply

    def _profile(self, event: Event[CreateProfile]) -> list[AnyEvent]:
        profile, user_id = event.data, event.partitionkey
        row = SocialProfile(display_name=profile.display_name, bio=profile.bio, updated_at=int(event.time))
        self._tables.profiles.put(user_id, row)
        return [event.then(ProfileCreated(display_name=profile.display_name, bio=profile.bio))]

    def _account(self, event: Event[Any]) -> list[AnyEvent]:
        user_id, change = event.partitionkey, ACCOUNTS[type(event.data)]
        self._tables.people.put(user_id, change(self._tables.person(user_id), event.data, int(event.time)))
        return []

    def _closed(self, event: Event[AccountClosed]) -> list[AnyEvent]:
        """Forget what a user did and showed, and end the user's follows. The count of followers goes on."""
        user_id, new = event.partitionkey, self._tables.new
        gone = replace(new, closed=True, followers=self._tables.person(user_id).followers)
        self._tables.people.put(user_id, gone)
        for table in (self._tables.profiles, self._tables.contents, self._tables.feed):
            table.delete(user_id)
        return self._interacting.leave(event, user_id)

    def _prestige(self, event: Event[PrestigeReached | PrestigeLost]) -> list[AnyEvent]:
        person = self._tables.person(event.partitionkey)
        self._tables.people.put(event.partitionkey, replace(person, prestige=event.data.tier))
        return []
