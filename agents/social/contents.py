"""Contents that people share on platforms, and the viral score that shares add up to, in tenths of a point."""

from __future__ import annotations

from msgspec.structs import replace

from agents.dispatch import Rules
from agents.social.feed import Feed
from agents.social.people_policy import PeoplePolicy
from agents.social.people_tables import PeopleTables
from agents.social.refusals import rejected
from streams.events import AnyEvent, Event
from streams.events.people_steps import InteractionRequested
from streams.events.social import ContentShared, Platform, ShareContent, ViralScoreChanged
from streams.times import DAY_US
from tables.social_people import Content, Contents, Person

TENTHS = 10


class Sharing:
    """The rules about a user's own contents."""

    def __init__(self, tables: PeopleTables, policy: PeoplePolicy, feed: Feed) -> None:
        self._tables = tables
        self._policy = policy
        self._feed = feed

    def rules(self) -> Rules:
        """Return the rule of each class of event."""
        return {ShareContent: self.share}

    def share(self, event: Event[ShareContent]) -> list[AnyEvent]:
        """Make content, or share content on another platform."""
        asked, user_id = event.data, event.partitionkey
        person = self._tables.person(user_id)
        content = self._tables.contents_of(user_id).shared.get(asked.content_id)
        if reason := _refusal(asked, content):
            return [rejected(event, ShareContent, reason, asked.content_id)]
        if content is not None:
            platforms = (*content.platforms, asked.platform)
            return self._shared(event, replace(content, platforms=platforms))
        return self._make(event, person)

    def received(self, event: Event[InteractionRequested], content_id: str) -> list[AnyEvent]:
        """Count what another user did to content that exists."""
        contents = self._tables.contents_of(event.partitionkey)
        content, asked = contents.shared[content_id], event.data
        if asked.kind == "share" and asked.platform is not None:
            return self._raised(event, content_id, content, asked.platform)
        counted = replace(
            content,
            likes=content.likes + (asked.kind == "like"),
            comments=content.comments + (asked.kind == "comment"),
        )
        self._put(event.partitionkey, content_id, counted)
        return []

    # --- inside -------------------------------------------------------------------------------------------------------

    def _make(self, event: Event[ShareContent], person: Person) -> list[AnyEvent]:
        """Make content, unless the user has made as many on this UTC day as one may."""
        asked = event.data
        day = max(int(event.time) // DAY_US, person.contents_day)
        today = person.contents_today if day == person.contents_day else 0
        if today >= self._policy.contents_per_day_max:
            return [rejected(event, ShareContent, "contents_limit", asked.content_id, free_at=(day + 1) * DAY_US)]
        if asked.kind is None:
            return [rejected(event, ShareContent, "unknown_content", asked.content_id)]
        made = replace(person, contents=person.contents + 1, contents_day=day, contents_today=today + 1)
        self._tables.people.put(event.partitionkey, made)
        about = asked.about or ""
        content = Content(kind=asked.kind, about=about, shared_at=int(event.time), platforms=(asked.platform,))
        arguments = {"content_id": asked.content_id, "kind": asked.kind, "platform": asked.platform}
        return [*self._shared(event, content), *self._feed.add(event, "content", "feed.content", arguments)]

    def _shared(self, event: Event[ShareContent], content: Content) -> list[AnyEvent]:
        asked, person = event.data, self._tables.person(event.partitionkey)
        shared = ContentShared(
            content_id=asked.content_id,
            platform=asked.platform,
            kind=content.kind,
            contents=person.contents,
            about=content.about or None,
        )
        return [event.then(shared), *self._raised(event, asked.content_id, content, asked.platform)]

    def _raised(
        self, event: Event[ShareContent] | Event[InteractionRequested], content_id: str, content: Content, to: Platform
    ) -> list[AnyEvent]:
        """Add a share to the viral scores of content and of its author."""
        user_id, tenths = event.partitionkey, self._policy.platform_tenths[to]
        content = replace(content, shares=content.shares + 1, viral_tenths=content.viral_tenths + tenths)
        self._put(user_id, content_id, content)
        person = self._tables.person(user_id)
        person = replace(person, viral_tenths=person.viral_tenths + tenths)
        self._tables.people.put(user_id, person)
        changed = ViralScoreChanged(
            content_id=content_id,
            content_score=content.viral_tenths // TENTHS,
            viral_score=person.viral_tenths // TENTHS,
            contents=person.contents,
            content_score_tenths=content.viral_tenths,
            viral_score_tenths=person.viral_tenths,
        )
        return [event.then(changed)]

    def _put(self, user_id: str, content_id: str, content: Content) -> None:
        """Store content. The newest contents stay; an older one cannot be shared any more, and keeps its score."""
        shared = {**self._tables.contents_of(user_id).shared, content_id: content}
        kept = list(shared.items())[-self._policy.contents_kept_max :]
        self._tables.contents.put(user_id, Contents(shared=dict(kept)))


def _refusal(asked: ShareContent, content: Content | None) -> str | None:
    """Return why content that exists may not be shared so."""
    if content is None:
        return None
    if asked.kind not in {None, content.kind}:
        return "content_exists"
    return "already_shared" if asked.platform in content.platforms else None
