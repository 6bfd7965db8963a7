"""Interactions that reach a person: accept or refuse, count, rate, and tell the person and the one who acted."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from agents.dispatch import Rules
from agents.notices import notice
from agents.social import rating
from agents.social.contents import Sharing
from agents.social.interactions import Interacting
from agents.social.people_policy import PeoplePolicy
from agents.social.people_tables import PeopleTables
from streams.events import AnyEvent, Event
from streams.events.notifications import NotificationKind
from streams.events.people_steps import FollowerLost, InteractionDecided, InteractionRequested
from streams.events.social import InteractionKind, InteractionReceived, SocialRatingChanged
from tables.social_people import Person

NOTIFICATIONS: Final[dict[InteractionKind, NotificationKind]] = {"follow": "follow", "endorse": "endorsement"}
"""The interactions of which the target is notified."""


class Receiving:
    """The rules in the partition of the user whom another acts on."""

    def __init__(self, tables: PeopleTables, policy: PeoplePolicy, interacting: Interacting, sharing: Sharing) -> None:
        self._tables = tables
        self._policy = policy
        self._interacting = interacting
        self._sharing = sharing

    def rules(self) -> Rules:
        """Return the rule of each class of event."""
        return {InteractionRequested: self.decide, FollowerLost: self.lose}

    def decide(self, event: Event[InteractionRequested]) -> list[AnyEvent]:
        """Accept or refuse an interaction, and answer."""
        asked, user_id = event.data, event.partitionkey
        follow = self._tables.follows_of(user_id).followed.get(asked.actor)
        answer = InteractionDecided(
            target=user_id,
            kind=asked.kind,
            content_id=asked.content_id,
            platform=asked.platform,
            reason=self._refusal(user_id, asked),
            follows_back=follow is not None and follow.stands,
        )
        effects = [] if answer.reason else self._accept(event)
        if answer.reason and asked.kind == "follow":
            self._interacting.mark_friend(user_id, asked.actor, friend=False)  # of an earlier follow that has expired
        return [*effects, event.then(answer, key=asked.actor)]

    def lose(self, event: Event[FollowerLost]) -> list[AnyEvent]:
        """Count a follower no longer."""
        person = self._tables.person(event.partitionkey)
        self._tables.people.put(event.partitionkey, replace(person, followers=person.followers - 1))
        if not event.data.asked_again:
            self._interacting.mark_friend(event.partitionkey, event.data.follower, friend=False)
        return []

    # --- inside -------------------------------------------------------------------------------------------------------

    def _refusal(self, user_id: str, asked: InteractionRequested) -> str | None:
        """Return why a user cannot be acted on. A private user is unknown to others, as on public pages."""
        person = self._tables.person(user_id)
        if not person.registered_at or person.closed or person.private:
            return "unknown_user"
        if person.suspended:
            return "user_suspended"
        known = asked.content_id is None or asked.content_id in self._tables.contents_of(user_id).shared
        return None if known else "unknown_content"

    def _accept(self, event: Event[InteractionRequested]) -> list[AnyEvent]:
        asked, user_id = event.data, event.partitionkey
        before = self._tables.person(user_id)
        after = self._counted(before, asked.kind)
        self._tables.people.put(user_id, replace(after, updated_at=max(before.updated_at, int(event.time))))
        if asked.kind == "follow":
            self._interacting.mark_friend(user_id, asked.actor, friend=True)
        effects = [*self._told(event), *_rated(event, before, after)]
        if asked.content_id is not None:
            effects += self._sharing.received(event, asked.content_id)
        return effects

    def _counted(self, person: Person, kind: InteractionKind) -> Person:
        """Return a person after an interaction."""
        policy = self._policy.rating
        match kind:
            case "endorse":
                higher = rating.endorsed(person.rating, person.endorsements, policy)
                return replace(person, rating=higher, endorsements=person.endorsements + 1)
            case "report":
                return replace(person, rating=rating.reported(person.rating, policy), reports=person.reports + 1)
            case "follow":
                return replace(person, followers=person.followers + 1)
            case "like":
                return replace(person, likes=person.likes + 1)
            case "comment":
                return replace(person, comments=person.comments + 1)
            case "share":
                return replace(person, shares=person.shares + 1)

    def _told(self, event: Event[InteractionRequested]) -> list[AnyEvent]:
        """Tell a person of an interaction. Nobody is told of reports."""
        asked = event.data
        if asked.kind == "report":
            return []
        received = event.then(
            InteractionReceived(
                actor=asked.actor, kind=asked.kind, content_id=asked.content_id, platform=asked.platform
            )
        )
        kind = NOTIFICATIONS.get(asked.kind)
        if kind is None:
            return [received]
        return [received, notice(received, kind, kind, actor=asked.actor)]


def _rated(event: Event[InteractionRequested], before: Person, after: Person) -> list[AnyEvent]:
    if before.rating == after.rating:
        return []
    changed = SocialRatingChanged(
        rating_ppm=after.rating,
        before_ppm=before.rating,
        endorsements=after.endorsements,
        reports=after.reports,
    )
    return [event.then(changed)]
