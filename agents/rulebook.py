"""The rule book: every number of the rules, in one frozen, versioned, validated object. Rules get it as an argument.

Changing a number is a change of configuration: build a `Rulebook` with other values and a higher version.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from streams.units import PPM, USD_UNIT

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]
Ppm = Annotated[int, Field(ge=0, le=PPM)]

_MAJORS = ("BTC", "ETH")
_OTHERS = (
    *("@107", "AAVE", "ADA", "AIXBT", "BERA", "BNB", "DOGE", "DYDX", "EIGEN", "ENA", "GMX", "HYPE", "IP", "JUP"),
    *("KAITO", "LAYER", "LINK", "MKR", "ONDO", "S", "SOL", "SUI", "TRUMP", "USUAL", "WIF", "XRP", "kPEPE"),
)


class Rules(BaseModel):
    """A part of the rule book."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class TradingRules(Rules):
    """Orders, practice accounts and liquidation. Amounts are integers of 1e-8 USD."""

    practice_balance: Positive = 10_000 * USD_UNIT
    market_leverage_max: dict[str, Positive] = dict.fromkeys(_MAJORS, 50) | dict.fromkeys(_OTHERS, 20)
    opened_per_day_max: Positive = 20
    margin_ppm_max: Ppm = 150_000
    margin_ppm_high: Ppm = 100_000
    margin_ppm_medium: Ppm = 50_000
    maintenance_ppm: Ppm = 50_000

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if not self.margin_ppm_medium <= self.margin_ppm_high <= self.margin_ppm_max:
            raise ValueError("the margin limits must be in order: medium, high, max")
        if self.maintenance_ppm >= PPM:
            raise ValueError("the maintenance share must be below 1,000,000 ppm")
        return self


class XpRules(Rules):
    """XP for trades and closes, before the streak multiplier."""

    usd_per_xp: Positive = 100
    trade_min: Count = 10
    close: Count = 25
    win: Count = 50
    ss_per_achievement_xp: Count = 2


class StreakRules(Rules):
    """The multiplier: 1 at the first day, and more with each day, up to a limit."""

    step_ppm: Count = 50_000
    multiplier_ppm_max: Annotated[int, Field(ge=PPM)] = 2 * PPM


class LevelRules(Rules):
    """Level = min(`level_max`, ⌊√(xp ÷ `xp_unit`)⌋ + 1), and the leverage a level allows."""

    xp_unit: Positive = 100
    level_max: Positive = 100
    leverage_first: Positive = 10
    leverage_step: Count = 5
    leverage_max: Positive = 100

    def leverage_at(self, level: int) -> int:
        """The maximum leverage of a level: min(first + step × (level − 1), max)."""
        return min(self.leverage_first + self.leverage_step * (level - 1), self.leverage_max)


AchievementKind = Literal["trades", "profitable_close", "single_trade", "trading_streak", "level", "win_rate"]


class AchievementRule(Rules):
    """One achievement. `at` is a count, a level, days, whole USD (single_trade) or percent (win_rate)."""

    kind: AchievementKind
    at: Positive
    xp: Count
    tier: Positive

    @cached_property
    def name(self) -> str:
        """Its name, such as ``trades-100``."""
        return f"{self.kind}-{self.at}"


def _tiers(kind: AchievementKind, *steps: tuple[int, int]) -> tuple[AchievementRule, ...]:
    return tuple(AchievementRule(kind=kind, at=at, xp=xp, tier=tier) for tier, (at, xp) in enumerate(steps, 1))


class AchievementRules(Rules):
    """The achievements in the order in which they are checked."""

    listed: tuple[AchievementRule, ...] = (
        *_tiers("trades", (1, 50), (10, 100), (100, 500), (1_000, 1_000), (10_000, 2_500)),
        *_tiers("profitable_close", (1, 25)),
        *_tiers("single_trade", (10_000, 1_000)),
        *_tiers("trading_streak", (7, 300), (30, 1_500), (100, 5_000)),
        *_tiers("level", (10, 200), (25, 750), (50, 2_500), (75, 5_000), (100, 10_000)),
        *_tiers("win_rate", (70, 750)),
    )
    win_rate_closes_min: Positive = 10

    @cached_property
    def steps(self) -> tuple[tuple[AchievementKind, int, str], ...]:
        """Kind, `at` and name of each."""
        return tuple((rule.kind, rule.at, rule.name) for rule in self.listed)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len({rule.name for rule in self.listed}) < len(self.listed):
            raise ValueError("two achievements have the same name")
        return self


class BoardRules(Rules):
    """A period is sealed this long after its end, by the watermark."""

    late_grace_h: Count = 24


class FeeRules(Rules):
    """The trading fee and who gets it. Shares are rounded down; what remains goes to `remainder_to`."""

    trading_ppm: Ppm = 1_000
    source: str = "trading"
    asset: str = "USD"
    split_ppm: dict[str, Ppm] = {"treasury": 600_000, "paymaster": 250_000, "staking_rewards": 150_000}
    remainder_to: str = "treasury"

    @model_validator(mode="after")
    def _split_is_whole(self) -> Self:
        if sum(self.split_ppm.values()) != PPM:
            raise ValueError(f"the shares of a fee must sum to 1,000,000 ppm, got {sum(self.split_ppm.values())}")
        if "total" in self.split_ppm:
            raise ValueError("no beneficiary may be called 'total': that is the name of the whole")
        if self.remainder_to not in self.split_ppm:
            raise ValueError(f"the remainder goes to {self.remainder_to!r}, which has no share")
        return self


class Rulebook(Rules):
    """All rules of one version."""

    version: Positive = 1
    trading: TradingRules = TradingRules()
    xp: XpRules = XpRules()
    streak: StreakRules = StreakRules()
    levels: LevelRules = LevelRules()
    achievements: AchievementRules = AchievementRules()
    boards: BoardRules = BoardRules()
    fees: FeeRules = FeeRules()
