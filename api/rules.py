"""What clients see of the rule book: levels, achievements, rewards, markets."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Shown(BaseModel):
    """A part of the rules."""

    model_config = ConfigDict(frozen=True)


class LevelRules(Shown):
    """Level `n` begins at `xp_unit` × (n − 1)² XP. It allows `leverage_first` and a step for each level above 1."""

    xp_unit: int
    level_max: int
    leverage_first: int
    leverage_step: int
    leverage_max: int


class AchievementRule(Shown):
    """An achievement. `at` is a count, a level, days, whole USD, percent (win_rate) or points (social_rating)."""

    name: str
    kind: str
    at: int
    tier: int
    xp: int
    ss: Annotated[int, Field(description="stellar shards")]


class RewardBand(Shown):
    """Stellar shards for each rank up to `to` that no band before it covers."""

    to: int
    ss: int


class RewardRule(Shown):
    """What the ranks of a kind of period of a board earn. Those of constellations earn it for their contributors."""

    scope: str
    board: str
    period: str
    bands: tuple[RewardBand, ...]


class Rules(Shown):
    """The rules in force."""

    version: int
    markets: Annotated[dict[str, int], Field(description="the maximum leverage of each market")]
    fee_ppm: Annotated[
        int, Field(description="the fee of opening a practice trade, in millionths of its notional; closing costs none")
    ]
    practice_balance_usd: Annotated[str, Field(description="what a practice account begins with")]
    levels: LevelRules
    achievements: Annotated[tuple[AchievementRule, ...], Field(description="in the order in which they are checked")]
    win_rate_closes_min: Annotated[int, Field(description="closing trades before a win rate counts")]
    rewards: tuple[RewardRule, ...]
    claim_days: Annotated[int, Field(description="a reward is claimed within so many days")]
    late_grace_h: Annotated[int, Field(description="hours of event time from the end of a period to its sealing")]
    kept_days: Annotated[
        int,
        Field(description="days of event time after which old trades, standings and days of users leave; 0 for never"),
    ]
