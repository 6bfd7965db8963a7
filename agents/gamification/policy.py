"""The numbers of gamification: XP, streaks, levels, achievements, boards."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from agents.policy import Count, Policy, Positive
from streams.units import PPM

AchievementKind = Literal["trades", "profitable_close", "single_trade", "trading_streak", "level", "win_rate"]


class XpRules(Policy):
    """XP for trades and closes, before the streak multiplier. A trade earns 1 XP for each `usd_per_xp` whole USD."""

    usd_per_xp: Positive
    trade_min: Count
    close: Count
    win: Count
    ss_per_achievement_xp: Count


class StreakRules(Policy):
    """The multiplier: 1 on the first day, `step_ppm` more with each further day, up to `multiplier_ppm_max`."""

    step_ppm: Count
    multiplier_ppm_max: Annotated[int, Field(ge=PPM, strict=True)]


class LevelRules(Policy):
    """Level = min(`level_max`, ⌊√(xp ÷ `xp_unit`)⌋ + 1), and the leverage that a level allows."""

    xp_unit: Positive
    level_max: Positive
    leverage_first: Positive
    leverage_step: Count
    leverage_max: Positive

    def leverage_at(self, level: int) -> int:
        """Return the maximum leverage of a level: min(first + step × (level − 1), max)."""
        return min(self.leverage_first + self.leverage_step * (level - 1), self.leverage_max)


class AchievementRule(Policy):
    """One achievement. `at` is a count, a level, days, whole USD (single_trade) or percent (win_rate)."""

    kind: AchievementKind
    at: Positive
    tier: Positive
    xp: Count

    @cached_property
    def name(self) -> str:
        """Return the name of the achievement, such as ``trades-100``."""
        return f"{self.kind}-{self.at}"


class AchievementRules(Policy):
    """The achievements in the order in which they are checked."""

    win_rate_closes_min: Positive
    listed: tuple[AchievementRule, ...]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [rule.name for rule in self.listed]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"expected each achievement once, got {name} {names.count(name)} times")
        return self


class BoardRules(Policy):
    """A period is sealed `late_grace_h` hours after its end, by the watermark."""

    late_grace_h: Count


class GamificationPolicy(Policy):
    """The numbers of the gamification domain."""

    xp: XpRules
    streak: StreakRules
    levels: LevelRules
    achievements: AchievementRules
    boards: BoardRules
