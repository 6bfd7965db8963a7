"""Steps of a battle between the partitions of the battle, its constellations and their members.

Only the social domain reads them. The battle's partition coordinates: it asks, and every other partition answers.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from streams.events.base import Count, EventData, Name, UserId
from streams.events.battles import BattleId, BattleKind
from streams.events.constellations import ConstellationId
from streams.times import Instant
from streams.units import Usd

Outcome = Literal["won", "lost", "tied", "declined", "withdrawn", "expired", "refused"]


class ChallengeRequested(EventData, frozen=True, kw_only=True):
    """A member wants to challenge another constellation. The key is the member's constellation."""

    domain: ClassVar[str] = "social"

    user_id: UserId
    battle_id: BattleId
    opponent: ConstellationId
    kind: BattleKind
    hours: Count


class BattleProposed(EventData, frozen=True, kw_only=True):
    """A challenger is engaged and wants a battle. The key is the battle."""

    domain: ClassVar[str] = "social"

    user_id: UserId
    challenger: ConstellationId
    challenger_name: str
    defender: ConstellationId
    kind: BattleKind
    hours: Count
    rating: Count


class EngagementRequested(EventData, frozen=True, kw_only=True):
    """A battle asks a constellation to be its defender. The key is the defender."""

    domain: ClassVar[str] = "social"

    battle_id: BattleId
    challenger: ConstellationId
    challenger_name: str
    rating: Count


class EngagementQueried(EventData, frozen=True, kw_only=True):
    """A battle has no answer of its defender. The key is the defender, who answers `EngagementAnswered`."""

    domain: ClassVar[str] = "social"

    battle_id: BattleId


class EngagementAnswered(EventData, frozen=True, kw_only=True):
    """A defender is engaged, or says why not. The key is the battle."""

    domain: ClassVar[str] = "social"

    constellation_id: ConstellationId
    refusal: Name | None = None


class BattleQueried(EventData, frozen=True, kw_only=True):
    """A constellation has been engaged for too long without confirmation. The key is the battle.

    The answer is `EngagementConfirmed` where the battle is open, else `EngagementEnded`.
    """

    domain: ClassVar[str] = "social"

    constellation_id: ConstellationId


class EngagementConfirmed(EventData, frozen=True, kw_only=True):
    """A battle holds its challenger until it says that the engagement ended. The key is the challenger."""

    domain: ClassVar[str] = "social"

    battle_id: BattleId


class EngagementEnded(EventData, frozen=True, kw_only=True):
    """A battle lets a constellation go. `rating_change` is what the battle did to its rating. The key is the side."""

    domain: ClassVar[str] = "social"

    battle_id: BattleId
    outcome: Outcome
    rating_change: int = 0


class AnswerRequested(EventData, frozen=True, kw_only=True):
    """A member wants to accept or decline a challenge. The key is the member's constellation."""

    domain: ClassVar[str] = "social"

    user_id: UserId
    battle_id: BattleId
    accept: bool


class ChallengeAnswered(EventData, frozen=True, kw_only=True):
    """A defender accepted, with its members of that moment, or declined. The key is the battle."""

    domain: ClassVar[str] = "social"

    user_id: UserId
    constellation_id: ConstellationId
    accepted: bool
    members: tuple[UserId, ...] = ()


class ChallengeWithdrawalRequested(EventData, frozen=True, kw_only=True):
    """A member wants to withdraw a challenge. The key is the member's constellation."""

    domain: ClassVar[str] = "social"

    user_id: UserId
    battle_id: BattleId


class ChallengeWithdrawn(EventData, frozen=True, kw_only=True):
    """A challenger withdraws its challenge, unless the defender has accepted it. The key is the battle."""

    domain: ClassVar[str] = "social"

    user_id: UserId
    constellation_id: ConstellationId


class SideRequested(EventData, frozen=True, kw_only=True):
    """A battle asks its challenger for its members. The key is the challenger."""

    domain: ClassVar[str] = "social"

    battle_id: BattleId


class SideFixed(EventData, frozen=True, kw_only=True):
    """A challenger names its members of that moment. The key is the battle."""

    domain: ClassVar[str] = "social"

    constellation_id: ConstellationId
    members: tuple[UserId, ...]


class BattleEntered(EventData, frozen=True, kw_only=True):
    """A member's trades between two times count for a battle. The key is the member."""

    domain: ClassVar[str] = "social"

    battle_id: BattleId
    constellation_id: ConstellationId
    opponent: ConstellationId
    starts_at: Instant
    ends_at: Instant


class EntryQueried(EventData, frozen=True, kw_only=True):
    """A battle has no final points of a member. The key is the member, who answers `PointsReported`."""

    domain: ClassVar[str] = "social"

    battle_id: BattleId


class PointsReported(EventData, frozen=True, kw_only=True):
    """All that a member's trades count for a battle so far. The key is the battle.

    Attributes:
        final: Whether the member's entry is closed. Then nothing follows.
    """

    domain: ClassVar[str] = "social"

    user_id: UserId
    pnl_usd: Usd
    closes: Count
    wins: Count
    trades: Count
    final: bool = False
