"""Commands and events of battles between constellations.

The key of a command is the user who acts; that of an event is in its docstring. The steps between partitions are in
`battle_steps`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from streams.events.base import Command, Count, EventData, Name, UserId
from streams.events.constellations import ConstellationId
from streams.times import Instant
from streams.units import Usd

BATTLE_HOURS = (1, 168)

BattleKind = Literal["trading_duel", "stellar_supremacy", "cosmic_conquest"]
BattleId = Name


# --- commands ---------------------------------------------------------------------------------------------------------


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


class WithdrawChallenge(Command, frozen=True, kw_only=True):
    """Withdraw a challenge of the caller's constellation that was not accepted yet."""

    domain: ClassVar[str] = "social"

    battle_id: BattleId


# --- events that other domains read -----------------------------------------------------------------------------------


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
