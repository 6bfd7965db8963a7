"""Live feeds of one user: the entries of all whom the user follows, and what became of the user's own commands."""

from __future__ import annotations

from typing import Any, Final

from faust_redis.log import StoredRecord

from api.kit.audience import Audience
from api.kit.callers import AudienceDep, Permitted
from api.kit.context import ApiDep
from api.kit.domain import DomainApi
from api.kit.feeds.change import Changes, Read, Reading, delta_data
from api.kit.feeds.feed import Feed
from api.kit.feeds.permit import Lapse, Permit
from api.kit.feeds.public_form import PublicForm, PublicRows
from api.kit.feeds.reading import event_of
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LAST_DEFAULT, Last, LastEventId, feed_router, open_feed
from api.kit.feeds.views import TailView
from api.kit.openapi import problems
from api.kit.own_events import OwnEvents
from api.kit.public import cut_to_hour
from api.kit.sealing import Sealer
from api.permissions import OWN
from api.social.activity import followed
from streams.events.battles import BattleFought
from streams.events.constellations import ConstellationJoined, ConstellationLeft
from streams.events.social import (
    ContentShared,
    FeedEntryAdded,
    Interacted,
    InteractionReceived,
    ProfileCreated,
    SocialCommandRejected,
    SocialRatingChanged,
    Unfollowed,
    ViralScoreChanged,
)
from streams.times import Instant

TOPIC: Final = FeedEntryAdded.topic
FOLLOW_CHANGES: Final = frozenset({Interacted.event_type(), Unfollowed.event_type()})
FOLLOWS: Final = "follows|"
"""What the channel begins with on which a user's own follows change. No id of a user does."""

MY_SOCIAL: Final = OwnEvents(
    "my-social",
    (
        SocialCommandRejected,
        ProfileCreated,
        Interacted,
        InteractionReceived,
        Unfollowed,
        SocialRatingChanged,
        ContentShared,
        ViralScoreChanged,
        ConstellationJoined,
        ConstellationLeft,
        BattleFought,
    ),
    title="Your social events",
    doc="Follow what became of the caller's social commands, and what others did to the caller, each event once.",
)


def read_entries(_sealer: Sealer) -> Read:
    """Return the function that reads entries of all users, and changes of whom a user follows."""
    types = FOLLOW_CHANGES | {FeedEntryAdded.event_type()}

    def read(_: int, record: StoredRecord) -> Reading | None:
        event = event_of(record, types)
        if event is None:
            return None
        user_id, data = str(event["partitionkey"]), event["data"]
        if event["type"] in FOLLOW_CHANGES:
            follows = data.get("kind", "follow") == "follow"
            return Reading(record.offset, (FOLLOWS + user_id,), dict) if follows else None
        row = {
            "user_id": user_id,
            "id": event["id"],
            "at": Instant.parse(event["time"]).text(),
            **{name: data[name] for name in ("kind", "text", "arguments")},
        }
        return Reading(record.offset, (user_id,), lambda: row)

    return read


COMMUNITY_FEED: Final[Feed[Any]] = Feed(name="community", follows=TOPIC, read=read_entries)


def public_entry(row: dict[str, Any]) -> dict[str, Any]:
    """Return what others see of an entry: its time is cut to the hour."""
    return {**row, "at": cut_to_hour(row["at"])}


class FollowedRows(PublicRows):
    """The entries that one subscriber gets. It notes when the subscriber follows other people.

    Attributes:
        changed: Whether the subscriber has followed or unfollowed someone since the feed was opened.
    """

    def __init__(self, audience: Audience) -> None:
        super().__init__(PublicForm(public_entry), audience, named=True)
        self.changed = False

    def encode(self, user_id: str, row: dict[str, Any]) -> bytes | None:
        """Return an entry as JSON; None when it is left out, and for a change of the followed people."""
        return None if user_id.startswith(FOLLOWS) else super().encode(user_id, row)

    def delta(self, changes: Changes) -> bytes | None:
        """Return the data of a delta; None when all its rows are left out.

        A change of the followed people makes a delta without rows. Its id is behind the change, so that the client,
        who connects again with it, does not meet the change again.
        """
        changed = any(change.channels[0].startswith(FOLLOWS) for change in changes)
        self.changed = self.changed or changed
        shown = (self.encode(change.channels[0], change.row()) for change in changes)
        rows = [row for row in shown if row is not None]
        return delta_data(rows) if rows or changed else None


class FollowsRight:
    """The right to a feed of followed people: it ends with the permit, and when the people are others."""

    def __init__(self, permit: Permit, rows: FollowedRows) -> None:
        self._permit = permit
        self._rows = rows

    def lapsed(self, at: Instant) -> Lapse | None:
        """Return why the feed has to end at a time; None while it may go on."""
        return self._permit.lapsed(at) or (Lapse.CHANGED if self._rows.changed else None)


feeds = feed_router()


@feeds.get("/community", summary="Your feed", responses=problems(401))
async def community(
    api: ApiDep,
    permit: Permitted,
    audience: AudienceDep,
    last: Last = LAST_DEFAULT,
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow the entries of the caller and of all whom the caller follows.

    The feed ends when the caller follows or unfollows someone. Connect again, with the last id.
    """
    people = await followed(api, permit.caller.subject)
    rows = FollowedRows(audience)
    channels = frozenset((*people, FOLLOWS + permit.caller.subject))
    view = TailView(channels, last, rows)
    return await open_feed(api, COMMUNITY_FEED, view, last_event_id, FollowsRight(permit, rows))


API: Final = DomainApi(
    title="Live",
    description="Live feeds of one user.",
    routers=(MY_SOCIAL.router, feeds),
    feeds=(MY_SOCIAL.feed, COMMUNITY_FEED),
    permissions={**MY_SOCIAL.permissions, ("GET", "/v1/feed/community"): OWN},
)
