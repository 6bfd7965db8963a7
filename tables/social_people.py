"""People in the social domain: their rows and tables, and the topics that these come from."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from streams import topics
from streams.events.social import ContentKind, CreateProfile, Interact, Platform, ShareContent, Unfollow
from streams.topology import Domain, TableSpec
from tables.row import DayNumber, Micros, Row

Prestige = Literal["bronze", "silver", "gold"]


class SocialProfile(Row, frozen=True, kw_only=True):
    """The public profile of a user. The key is the user."""

    display_name: str
    bio: str = ""
    updated_at: Micros


class Person(Row, frozen=True, kw_only=True):
    """The social standing of a user. The key is the user.

    Attributes:
        registered_at: When the account was registered; 0 when no account is known.
        private: Whether others may not find the user.
        rating: The social rating in millionths of a point.
        viral_tenths: The sum of the viral scores of all contents, in tenths.
        contents: How many contents the user has made.
        contents_day: The UTC day of the newest content, and `contents_today` how many were made on it.
        updated_at: The time of the newest interaction that the user received.
    """

    registered_at: Micros = 0
    private: bool = False
    suspended: bool = False
    closed: bool = False
    rating: int
    endorsements: int = 0
    reports: int = 0
    followers: int = 0
    likes: int = 0
    comments: int = 0
    shares: int = 0
    contents: int = 0
    contents_day: DayNumber = 0
    contents_today: int = 0
    viral_tenths: int = 0
    prestige: Prestige | None = None
    updated_at: Micros = 0


class Interactions(Row, frozen=True, kw_only=True):
    """The times of a user's last interactions, oldest first, as the hourly limit counts them. The key is the user.

    The times of the two hours before the newest are kept, because commands may come out of the order of their times.
    """

    times: tuple[Micros, ...] = ()


class Follow(Row, frozen=True, kw_only=True):
    """A user whom another follows.

    Attributes:
        request_id: The command that asks for the follow; empty once the other's partition has accepted it.
        friend: Whether the other follows back.
        withdrawn: Whether the user has unfollowed before the other's partition answered. The answer ends the row.
    """

    since: Micros
    request_id: str = ""
    friend: bool = False
    withdrawn: bool = False

    @property
    def stands(self) -> bool:
        """Return whether the other's partition has accepted the follow."""
        return not self.request_id


class Follows(Row, frozen=True, kw_only=True):
    """Whom a user follows, by the other's id. The key is the user."""

    followed: dict[str, Follow] = msgspec.field(default_factory=dict)


class Content(Row, frozen=True, kw_only=True):
    """Content that a user shared.

    Attributes:
        platforms: Where the author has shared it.
        shares: All shares, and `viral_tenths` what they add to the viral score, in tenths.
    """

    kind: ContentKind
    about: str = ""
    shared_at: Micros
    platforms: tuple[Platform, ...] = ()
    shares: int = 0
    likes: int = 0
    comments: int = 0
    viral_tenths: int = 0


class Contents(Row, frozen=True, kw_only=True):
    """The newest contents of a user by their ids, oldest first. The key is the user."""

    shared: dict[str, Content] = msgspec.field(default_factory=dict)


class FeedEntry(Row, frozen=True, kw_only=True):
    """Something of a user for the user's followers. `id` is the id of its event; `text` is the key of a text."""

    id: str
    at: Micros
    kind: str
    text: str
    arguments: dict[str, str] = msgspec.field(default_factory=dict)
    cause_id: str


class FeedEntries(Row, frozen=True, kw_only=True):
    """The newest entries of a user, newest first. The key is the user."""

    entries: tuple[FeedEntry, ...] = ()


_COMMANDS = (topics.SOCIAL_COMMANDS,)
_OWN = topics.SOCIAL_EVENTS
_ACCOUNTS = topics.USER_EVENTS
_CLOCK = topics.CLOCK
_FEED_SOURCES = (topics.SOCIAL_EVENTS, topics.GAMIFICATION_EVENTS, topics.NFT_EVENTS)

SOCIAL_PROFILES: Final = TableSpec("social-profiles", SocialProfile, (*_COMMANDS, _ACCOUNTS))
SOCIAL_PEOPLE: Final = TableSpec(
    "social-people", Person, (*_COMMANDS, _OWN, _ACCOUNTS, topics.GAMIFICATION_EVENTS), handovers=1
)
SOCIAL_INTERACTIONS: Final = TableSpec(
    "social-interactions", Interactions, (*_COMMANDS, _OWN, _ACCOUNTS, _CLOCK), handovers=2
)
SOCIAL_FOLLOWS: Final = TableSpec("social-follows", Follows, (*_COMMANDS, _OWN, _ACCOUNTS, _CLOCK), handovers=2)
SOCIAL_CONTENTS: Final = TableSpec("social-contents", Contents, (*_COMMANDS, _OWN, _ACCOUNTS), handovers=1)
SOCIAL_FEED: Final = TableSpec("social-feed", FeedEntries, (*_COMMANDS, *_FEED_SOURCES, _ACCOUNTS), handovers=4)

PEOPLE: Final = Domain(
    name="social",
    consumes=(*_COMMANDS, *_FEED_SOURCES, _ACCOUNTS, _CLOCK),
    produces={
        topics.SOCIAL_EVENTS: (*_COMMANDS, *_FEED_SOURCES, _ACCOUNTS, _CLOCK),
        topics.NOTIFICATIONS: (_OWN,),
    },
    commands=(CreateProfile, Interact, Unfollow, ShareContent),
    tables=(SOCIAL_PROFILES, SOCIAL_PEOPLE, SOCIAL_INTERACTIONS, SOCIAL_FOLLOWS, SOCIAL_CONTENTS, SOCIAL_FEED),
    unhurried=frozenset({topics.GAMIFICATION_EVENTS}),
)
