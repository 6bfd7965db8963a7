"""Commands and events of people in the social domain: profiles, interactions, shared content, ratings and feeds.

Unless a class says otherwise, the key is the user who acts. Where a rule spans two keys, an event carries its next step
to the other key's partition (`people_steps`, `constellation_steps`, `battle_steps`).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from streams.events.base import Command, Count, EventData, Name, UserId
from streams.events.texts import Bio, DisplayName
from streams.times import Instant

InteractionKind = Literal["like", "comment", "share", "endorse", "follow", "report"]
ContentKind = Literal["trade", "achievement", "battle", "nft", "profile"]
Platform = Literal["reddit", "twitter", "discord", "instagram", "telegram", "facebook"]
ContentId = Name


# --- commands ---------------------------------------------------------------------------------------------------------


class CreateProfile(Command, frozen=True, kw_only=True):
    """Create or change the caller's public profile."""

    domain: ClassVar[str] = "social"

    display_name: DisplayName
    bio: Bio = ""


class Interact(Command, frozen=True, kw_only=True):
    """Like, comment on, share, endorse, follow or report another user, or content that the user shared.

    A share of content names its platform.
    """

    domain: ClassVar[str] = "social"

    target: UserId
    kind: InteractionKind
    content_id: ContentId | None = None
    platform: Platform | None = None


class Unfollow(Command, frozen=True, kw_only=True):
    """Follow a user no longer."""

    domain: ClassVar[str] = "social"

    target: UserId


class ShareContent(Command, frozen=True, kw_only=True):
    """Share content of the caller on a platform. The share that names a `kind` makes the content."""

    domain: ClassVar[str] = "social"

    platform: Platform
    kind: ContentKind | None = None
    content_id: ContentId
    about: Name | None = None


# --- events that other domains read -----------------------------------------------------------------------------------


class ProfileCreated(EventData, frozen=True, kw_only=True):
    """A user has a public profile, whole as it is now."""

    domain: ClassVar[str] = "social"

    display_name: DisplayName
    bio: Bio = ""


class SocialCommandRejected(EventData, frozen=True, kw_only=True):
    """A command of the class `command` about `subject_id` changed nothing. `free_at`: when a limit admits it again."""

    domain: ClassVar[str] = "social"

    command: Name
    reason: Name
    subject_id: str = ""
    free_at: Instant | None = None


class Interacted(EventData, frozen=True, kw_only=True):
    """A user did something to another user. A follow that already stood is no interaction."""

    domain: ClassVar[str] = "social"

    target: UserId
    kind: InteractionKind
    content_id: ContentId | None = None
    platform: Platform | None = None


class InteractionReceived(EventData, frozen=True, kw_only=True):
    """Another user did something to this one, other than to report it. The key is the target."""

    domain: ClassVar[str] = "social"

    actor: UserId
    kind: InteractionKind
    content_id: ContentId | None = None
    platform: Platform | None = None


class Unfollowed(EventData, frozen=True, kw_only=True):
    """A user follows another no longer."""

    domain: ClassVar[str] = "social"

    target: UserId


class SocialRatingChanged(EventData, frozen=True, kw_only=True):
    """The social rating of a user, who is the key, moved. Ratings are in millionths of a point, 0 to 100,000,000."""

    domain: ClassVar[str] = "social"

    rating_ppm: Count
    before_ppm: Count
    endorsements: Count
    reports: Count


class ContentShared(EventData, frozen=True, kw_only=True):
    """A user shared content of theirs. `contents` is how many contents the user has shared so far."""

    domain: ClassVar[str] = "social"

    content_id: ContentId
    platform: Platform
    kind: ContentKind
    contents: Count
    about: Name | None = None


class ViralScoreChanged(EventData, frozen=True, kw_only=True):
    """A share of content raised its author's viral score. The key is the author. Whole points are rounded down."""

    domain: ClassVar[str] = "social"

    content_id: ContentId
    content_score: Count
    viral_score: Count
    contents: Count
    content_score_tenths: Count = 0
    viral_score_tenths: Count = 0


class FeedEntryAdded(EventData, frozen=True, kw_only=True):
    """Something of a user belongs into the feed of the user's followers."""

    domain: ClassVar[str] = "social"

    kind: Name
    text: Name
    arguments: dict[str, str]
    cause_id: str
