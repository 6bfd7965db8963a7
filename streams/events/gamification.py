"""Events of gamification: XP, levels, streaks, achievements, sealed boards, rewards; and the claim of a reward."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

import msgspec

from streams import topics
from streams.events.base import Command, Count, EventData, Name, UserId

StreakKind = Literal["trading", "login", "social"]
XPSource = Literal["trade", "close", "win", "achievement", "deposit", "social", "constellation"]
PrestigeTier = Literal["bronze", "silver", "gold"]
LEADERS_KEY: Final = "global/leaders"
"""The key of the partition that compares the first places of all partitions."""


class XPGained(EventData, frozen=True, kw_only=True):
    """XP was granted. `amount` is after the multiplier."""

    domain: ClassVar[str] = "gamification"

    amount: Annotated[int, msgspec.Meta(gt=0)]
    multiplier_ppm: Count
    source: XPSource
    source_event_id: str
    total_xp: Count


class LevelUp(EventData, frozen=True, kw_only=True):
    """A level was reached, and with it a maximum leverage."""

    domain: ClassVar[str] = "gamification"

    old: Count
    new: Count
    max_leverage: Count


class StreakUpdated(EventData, frozen=True, kw_only=True):
    """A day was added to a streak, or it began again after missed days."""

    domain: ClassVar[str] = "gamification"

    kind: StreakKind
    days: Count
    best: Count
    action: Literal["started", "continued", "broken"]


class AchievementUnlocked(EventData, frozen=True, kw_only=True):
    """A user unlocked an achievement, once at most. `tier` counts from 1 within its kind; `ss` is stellar shards."""

    domain: ClassVar[str] = "gamification"

    achievement: Name
    tier: Annotated[int, msgspec.Meta(ge=1)]
    xp: Count
    ss: Count


class LateEventRecorded(EventData, frozen=True, kw_only=True):
    """An event came after some of its periods were sealed. It does not count in those."""

    domain: ClassVar[str] = "gamification"

    source_event_id: str
    periods: tuple[str, ...]
    watermark_us: Count


class TopPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A user's place in a partition's part of a board. The place counts from the front of the part."""

    user_id: UserId
    score: str
    reached_at_us: Count


class LeaderboardSealed(EventData, frozen=True, kw_only=True):
    """A period of a board is final in one partition. `digest` is the root of a Merkle tree over the partition's rows.

    The key is the scope and board. Each partition seals its own part; a partition without rows has none.
    """

    domain: ClassVar[str] = "gamification"
    topic: ClassVar[str] = topics.GAMIFICATION_BOARDS

    board: Name
    scope: Name
    period: str
    partition: Count
    rows: Count
    digest: str
    top: tuple[TopPlace, ...] = ()


class PartitionSealed(EventData, frozen=True, kw_only=True):
    """A partition has sealed its parts of a board for all periods that end at `sealed_to_us` or earlier.

    The key is the scope and board. The event comes after the parts.
    """

    domain: ClassVar[str] = "gamification"
    topic: ClassVar[str] = topics.GAMIFICATION_BOARDS

    scope: Name
    board: Name
    partition: Count
    partitions: Annotated[int, msgspec.Meta(ge=1)]
    sealed_to_us: Count


class RewardDecided(EventData, frozen=True, kw_only=True):
    """A rank on a sealed board earns stellar shards. The key is the user, whose partition grants them.

    `constellation` has the rank where the board ranks constellations. Then `ss` is the user's share.
    """

    domain: ClassVar[str] = "gamification"
    topic: ClassVar[str] = topics.GAMIFICATION_BOARDS

    scope: Name
    board: Name
    period: str
    rank: Annotated[int, msgspec.Meta(ge=1)]
    ss: Count
    constellation: Name | None = None


class BoardLeaders(msgspec.Struct, frozen=True, kw_only=True):
    """The first places of a partition's part of a board in its newest period, best first."""

    board: Name
    period: str
    places: tuple[TopPlace, ...]


class LeadersReported(EventData, frozen=True, kw_only=True):
    """A partition reports the first places that changed since its last report. The key is `LEADERS_KEY`.

    `round` is the number of the interval of event time that the report is for. It is the same in all partitions.
    """

    domain: ClassVar[str] = "gamification"
    topic: ClassVar[str] = topics.GAMIFICATION_BOARDS

    partition: Count
    partitions: Annotated[int, msgspec.Meta(ge=1)]
    round: Count
    changed: tuple[BoardLeaders, ...] = ()


class Overtaken(EventData, frozen=True, kw_only=True):
    """A user lost a place among the first of a board. The key is the user, whose partition tells the user once a day.

    Attributes:
        before: The rank in the round before.
        rank: The rank now; None behind the first places.
    """

    domain: ClassVar[str] = "gamification"
    topic: ClassVar[str] = topics.GAMIFICATION_BOARDS

    board: Name
    period: str
    before: Annotated[int, msgspec.Meta(ge=1)]
    rank: Annotated[int, msgspec.Meta(ge=1)] | None = None


class PeriodXp(msgspec.Struct, frozen=True, kw_only=True):
    """XP of members in a period, and the time of the last event that earned some."""

    period: str
    xp: Annotated[int, msgspec.Meta(gt=0)]
    reached_at_us: Count


class ConstellationScored(EventData, frozen=True, kw_only=True):
    """Members of a constellation, who are in one partition, earned XP since the last tick. The key is its id."""

    domain: ClassVar[str] = "gamification"
    topic: ClassVar[str] = topics.GAMIFICATION_BOARDS

    partition: Count
    periods: tuple[PeriodXp, ...]


class PoolDecided(EventData, frozen=True, kw_only=True):
    """A rank of a constellation on a sealed board earns shards for those who contributed. The key is its id."""

    domain: ClassVar[str] = "gamification"
    topic: ClassVar[str] = topics.GAMIFICATION_BOARDS

    scope: Name
    board: Name
    period: str
    rank: Annotated[int, msgspec.Meta(ge=1)]
    ss: Count


class PrestigeReached(EventData, frozen=True, kw_only=True):
    """A user rose to a tier of prestige."""

    domain: ClassVar[str] = "gamification"

    tier: PrestigeTier


class PrestigeLost(EventData, frozen=True, kw_only=True):
    """A user fell from a tier of prestige. `tier` is the one that the user still has; None for none."""

    domain: ClassVar[str] = "gamification"

    tier: PrestigeTier | None = None


class TradingMastered(EventData, frozen=True, kw_only=True):
    """A user has, for the first time, as many trades and wins as a master of trading. The counts are the user's."""

    domain: ClassVar[str] = "gamification"

    trades: Count
    closes: Count
    wins: Count


class RewardGranted(EventData, frozen=True, kw_only=True):
    """A rank on a sealed board earned stellar shards, to be claimed by `expires_us`."""

    domain: ClassVar[str] = "gamification"

    reward_id: str
    board: Name
    period: str
    rank: Annotated[int, msgspec.Meta(ge=1)]
    ss: Count
    expires_us: Count


class ClaimReward(Command, frozen=True, kw_only=True):
    """Claim a reward before it expires."""

    domain: ClassVar[str] = "gamification"

    reward_id: str


class RewardClaimed(EventData, frozen=True, kw_only=True):
    """A user claimed a reward. The ledger posts it."""

    domain: ClassVar[str] = "gamification"

    reward_id: str
    ss: Count


class RewardExpired(EventData, frozen=True, kw_only=True):
    """A reward was not claimed in time."""

    domain: ClassVar[str] = "gamification"

    reward_id: str
    ss: Count


class ClaimRejected(EventData, frozen=True, kw_only=True):
    """A claim changed nothing."""

    domain: ClassVar[str] = "gamification"

    reward_id: str
    reason: Name
