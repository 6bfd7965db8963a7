"""The numbers of battles."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from agents.policy import Count, Policy, Positive, Ppm
from streams.events.battles import BATTLE_HOURS, BattleKind
from streams.times import HOUR_US, SECOND_US
from streams.units import PPM, USD_UNIT

Hours = Annotated[int, Field(ge=BATTLE_HOURS[0], le=BATTLE_HOURS[1], strict=True)]


class ScoreRules(Policy):
    """How the points of a side become its score, in whole points.

    Attributes:
        win_rate: Points for a win rate of 1.
        trade: Points for each distinct trade, up to `trades_max` points.
        kinds_ppm: The factor of each kind of battle.
    """

    win_rate: Count
    trade: Count
    trades_max: Count
    kinds_ppm: dict[BattleKind, Positive]

    @model_validator(mode="after")
    def _every_kind(self) -> Self:
        if missing := {"trading_duel", "stellar_supremacy", "cosmic_conquest"} - self.kinds_ppm.keys():
            raise ValueError(f"kinds_ppm: expected a factor for {min(missing)}, got none")
        return self

    @property
    def win_rate_units(self) -> int:
        """Return `win_rate` in 1e-8 points."""
        return self.win_rate * USD_UNIT


class PrizeRules(Policy):
    """The stellar shards of a battle, and how the sides share them.

    Attributes:
        pool_ss: The whole pool.
        winner_ppm: The winner's share; the loser gets the rest. In a tie each side gets half.
    """

    pool_ss: Count
    winner_ppm: Ppm

    @model_validator(mode="after")
    def _shares_are_whole(self) -> Self:
        if self.pool_ss % 2 or self.pool_ss * self.winner_ppm % PPM:
            raise ValueError(f"pool_ss: expected a pool whose shares are whole, got {self.pool_ss}")
        return self

    @property
    def winner(self) -> int:
        """Return the winner's share."""
        return self.pool_ss * self.winner_ppm // PPM


class RatingRules(Policy):
    """The battle rating of constellations."""

    first: Positive
    floor: Count
    gap_max: Count
    win: Count
    loss: Count

    def after(self, rating: int, change: int) -> int:
        """Return a rating after a change. It does not fall below the floor."""
        return max(self.floor, rating + change)


class BattlePolicy(Policy):
    """The numbers of battles.

    Attributes:
        hours_default: How long a battle lasts unless the challenger says.
        challenge_h: How long a challenge may be answered.
        start_delay_s: How long after its acceptance a battle starts. By then each member's partition knows it.
        close_grace_s: How long after its end late trades still count by their time.
        report_s: How often the points of a member, and the scores of a battle, are reported at most.
        answer_s: After how long the battle asks a partition again that has not answered.
    """

    hours_default: Hours
    challenge_h: Positive
    start_delay_s: Count
    close_grace_s: Count
    report_s: Positive
    answer_s: Positive
    score: ScoreRules
    prizes: PrizeRules
    rating: RatingRules

    @property
    def challenge_us(self) -> int:
        """Return `challenge_h` in microseconds."""
        return self.challenge_h * HOUR_US

    @property
    def start_delay_us(self) -> int:
        """Return `start_delay_s` in microseconds."""
        return self.start_delay_s * SECOND_US

    @property
    def close_grace_us(self) -> int:
        """Return `close_grace_s` in microseconds."""
        return self.close_grace_s * SECOND_US

    @property
    def report_us(self) -> int:
        """Return `report_s` in microseconds."""
        return self.report_s * SECOND_US

    @property
    def answer_us(self) -> int:
        """Return `answer_s` in microseconds."""
        return self.answer_s * SECOND_US
