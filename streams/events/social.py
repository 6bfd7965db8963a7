"""Commands and events of the social domain: profiles, interactions, constellations and battles.

Unless a class says otherwise, the key is the user who acts. Where a rule spans two keys, an event of this domain
carries its next step to the other key's partition.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from pydantic import Field, StringConstraints

from streams.events.base import Command, EventData, Name, UserId
from streams.events.texts import Bio, DisplayName
from streams.times import Instant
from streams.units import Usd

CONSTELLATION_NAME_CHARS = (3, 40)
BATTLE_HOURS = (1, 168)

InteractionKind = Literal["like", "comment", "share", "endorse", "follow", "report"]
ConstellationRole = Literal["owner", "admin", "member", "recruit"]
BattleKind = Literal["trading_duel", "stellar_supremacy", "cosmic_conquest"]
ContentKind = Literal["trade", "achievement", "battle", "nft", "profile"]
MembersMax = Annotated[int, Field(ge=5, le=200, strict=True)]
"""How many members a constellation may have at most. A row has all members, so this is a bound of storage."""
Platform = Literal["reddit", "twitter", "discord", "instagram", "telegram", "facebook"]

Count = Annotated[int, msgspec.Meta(ge=0)]
Shards = Annotated[int, msgspec.Meta(ge=1), Field(ge=1, le=10**12, strict=True)]
"""An amount of stellar shards."""
ConstellationId = Name
BattleId = Name
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


class CreateConstellation(Command, frozen=True, kw_only=True):
    """Found a constellation, which the caller then owns."""

    domain: ClassVar[str] = "social"

    constellation_id: ConstellationId
    name: Annotated[
        str, StringConstraints(min_length=CONSTELLATION_NAME_CHARS[0], max_length=CONSTELLATION_NAME_CHARS[1])
    ]
    members_max: MembersMax | None = None


class JoinConstellation(Command, frozen=True, kw_only=True):
    """Join a constellation."""

    domain: ClassVar[str] = "social"

    constellation_id: ConstellationId


class LeaveConstellation(Command, frozen=True, kw_only=True):
    """Leave the caller's constellation. Its owner cannot; an owner dissolves it."""

    domain: ClassVar[str] = "social"


class DissolveConstellation(Command, frozen=True, kw_only=True):
    """Dissolve the constellation that the caller owns. Its name is free again."""

    domain: ClassVar[str] = "social"


class ChangeMemberRole(Command, frozen=True, kw_only=True):
    """Give a member of the caller's constellation another role. Only its owner may."""

    domain: ClassVar[str] = "social"

    member: UserId
    role: Literal["admin", "member", "recruit"]


class RemoveMember(Command, frozen=True, kw_only=True):
    """Remove a member of the caller's constellation, and ban the user from it if asked."""

    domain: ClassVar[str] = "social"

    member: UserId
    ban: bool = False


class ContributeShards(Command, frozen=True, kw_only=True):
    """Give stellar shards of the caller to the caller's constellation."""

    domain: ClassVar[str] = "social"

    amount: Shards


class ChallengeBattle(Command, frozen=True, kw_only=True):
    """Challenge another constellation on behalf of the caller's."""

    domain: ClassVar[str] = "social"

    battle_id: BattleId
    opponent: ConstellationId
    kind: BattleKind
    hours: Annotated[int, Field(ge=BATTLE_HOURS[0], le=BATTLE_HOURS[1], strict=True)] | None = None


class AcceptBattle(Command, frozen=True, kw_only=True):
    """Accept a challenge on behalf of the caller's constellation."""

    domain: ClassVar[str] = "social"

    battle_id: BattleId


class DeclineBattle(Command, frozen=True, kw_only=True):
    """Decline a challenge on behalf of the caller's constellation."""

    domain: ClassVar[str] = "social"

    battle_id: BattleId


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


class ConstellationJoined(EventData, frozen=True, kw_only=True):
    """A user is a member from now on. The founder joins as owner."""

    domain: ClassVar[str] = "social"

    constellation_id: ConstellationId
    name: str
    role: ConstellationRole


class ConstellationLeft(EventData, frozen=True, kw_only=True):
    """A user is a member no longer. `closed`: the user's account was closed."""

    domain: ClassVar[str] = "social"

    constellation_id: ConstellationId
    reason: Literal["left", "removed", "dissolved", "closed"]


class ContributionRequested(EventData, frozen=True, kw_only=True):
    """A member wants to give stellar shards to the constellation. The ledger decides."""

    domain: ClassVar[str] = "social"

    contribution_id: str
    constellation_id: ConstellationId
    amount: Shards


class ConstellationCreated(EventData, frozen=True, kw_only=True):
    """A constellation exists. The key is its id."""

    domain: ClassVar[str] = "social"

    name: str
    owner: UserId
    members_max: Count


class ConstellationDissolved(EventData, frozen=True, kw_only=True):
    """A constellation exists no longer. The key is its id."""

    domain: ClassVar[str] = "social"

    name: str


class ConstellationLevelUp(EventData, frozen=True, kw_only=True):
    """A constellation reached a level. The key is its id."""

    domain: ClassVar[str] = "social"

    old: Count
    new: Count
    members: Count
    contributed: Count


class BattleChallenged(EventData, frozen=True, kw_only=True):
    """A constellation challenged another. The key is the battle."""

    domain: ClassVar[str] = "social"

    challenger: ConstellationId
    defender: ConstellationId
    kind: BattleKind
    hours: Count


class BattleStarted(EventData, frozen=True, kw_only=True):
    """A battle began. Its sides are fixed. The key is the battle."""

    domain: ClassVar[str] = "social"

    challenger: ConstellationId
    defender: ConstellationId
    kind: BattleKind
    starts_at: Instant
    ends_at: Instant
    challengers: tuple[UserId, ...]
    defenders: tuple[UserId, ...]


class BattleScoreChanged(EventData, frozen=True, kw_only=True):
    """The score of a side moved. Scores are in 1e-8 points. The key is the battle."""

    domain: ClassVar[str] = "social"

    challenger_score: Usd
    defender_score: Usd


class BattleCompleted(EventData, frozen=True, kw_only=True):
    """A battle ended with a sealed result. The key is the battle.

    `winner` is None for a tie. `digest` is SHA-256 over the entries of both sides (`agents.social.battles.scores`).
    """

    domain: ClassVar[str] = "social"

    challenger: ConstellationId
    defender: ConstellationId
    winner: ConstellationId | None = None
    challenger_score: Usd
    defender_score: Usd
    prizes: dict[UserId, int]
    digest: str = ""


class BattleRatingChanged(EventData, frozen=True, kw_only=True):
    """A constellation's battle rating moved. The key is the constellation."""

    domain: ClassVar[str] = "social"

    battle_id: BattleId
    rating: Count
    before: Count


class BattleFought(EventData, frozen=True, kw_only=True):
    """A battle of the user ended. `won` is None for a tie; `prize_ss` is the user's own prize. The key is the user."""

    domain: ClassVar[str] = "social"

    battle_id: BattleId
    constellation_id: ConstellationId
    won: bool | None = None
    prize_ss: Count


class FeedEntryAdded(EventData, frozen=True, kw_only=True):
    """Something of a user belongs into the feed of the user's followers."""

    domain: ClassVar[str] = "social"

    kind: Name
    text: Name
    arguments: dict[str, str]
    cause_id: str
