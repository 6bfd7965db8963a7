"""The numbers of gamification: XP, streaks, levels, achievements, boards."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from agents.policy import Count, Policy, Positive
from streams.events.gamification import PrestigeTier
from streams.units import PPM
from tables.boards import CONSTELLATIONS, Board

AchievementKind = Literal[
    "trades",
    "profitable_close",
    "single_trade",
    "trading_streak",
    "level",
    "win_rate",
    "social_rating",
    "constellation_founder",
    "battle_win",
]


class XpRules(Policy):
    """XP for trades and closes, before the streak multiplier. A trade earns 1 XP for each `usd_per_xp` whole USD."""

    usd_per_xp: Positive
    trade_min: Count
    close: Count
    win: Count
    ss_per_achievement_xp: Count


class DepositRules(Policy):
    """A deposit of at least `usd_min` earns 1 XP for each `usd_per_xp` whole USD, at most `xp_max`."""

    usd_min: Positive
    usd_per_xp: Positive
    xp_max: Positive


class SocialRules(Policy):
    """XP for what a user does to others, and for joining a constellation."""

    like: Count
    comment: Count
    share: Count
    endorse: Count
    follow: Count
    report: Count
    join_constellation: Count


class PrestigeRule(Policy):
    """A tier of prestige: so many trades, shards ever earned, and percent of closing trades that are wins."""

    tier: PrestigeTier
    trades: Positive
    ss: Count
    win_percent: Annotated[int, Field(ge=0, le=100, strict=True)]


class PrestigeRules(Policy):
    """The tiers of prestige, from the lowest to the highest."""

    tiers: tuple[PrestigeRule, ...]

    @model_validator(mode="after")
    def _tiers_rise(self) -> Self:
        if [rule.tier for rule in self.tiers] != list(get_args(PrestigeTier)):
            raise ValueError(f"expected the tiers {', '.join(get_args(PrestigeTier))}, in this order")
        trades = [rule.trades for rule in self.tiers]
        if trades != sorted(trades):
            raise ValueError(f"expected trades that rise with the tier, got {trades}")
        return self


class MasteryRule(Policy):
    """What a master of trading has: so many trades, and percent of closing trades that are wins."""

    trades: Positive
    win_percent: Annotated[int, Field(ge=0, le=100, strict=True)]


class StreakRules(Policy):
    """The multiplier: 1 on the first day, `step_ppm` more with each further day, up to `multiplier_ppm_max`.

    At `warning_hour` (UTC), users who have not been active that day get a warning that their streak will break.
    """

    step_ppm: Count
    multiplier_ppm_max: Annotated[int, Field(ge=PPM, strict=True)]
    warning_hour: Annotated[int, Field(ge=0, le=23, strict=True)]


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
    """One achievement. `at` is a count, a level, days, whole USD, percent (win_rate) or points (social_rating)."""

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
    """A period is sealed `late_grace_h` hours after its end, by the watermark, at most `seal_rows_max` rows a tick."""

    late_grace_h: Count
    seal_rows_max: Positive


class RewardBand(Policy):
    """Stellar shards for each rank up to `to` that no band before it covers."""

    to: Positive
    ss: Positive


class RewardRule(Policy):
    """The rewards of one kind of period of a board, from rank 1 on."""

    scope: Literal["global", "constellations"]
    board: Board
    period: Literal["day", "week", "month", "season"]
    bands: tuple[RewardBand, ...]

    @model_validator(mode="after")
    def _constellations_are_ranked_by_xp(self) -> Self:
        if self.scope == CONSTELLATIONS and self.board != "xp":
            raise ValueError(f"expected the board xp of constellations, got {self.board}")
        return self

    @model_validator(mode="after")
    def _bands_follow(self) -> Self:
        ends = [band.to for band in self.bands]
        if not ends or ends != sorted(set(ends)):
            raise ValueError(f"expected bands whose ends rise, got {ends}")
        return self

    @property
    def ranks(self) -> int:
        """Return the last rank that earns something."""
        return self.bands[-1].to

    def shards(self, rank: int) -> int:
        """Return the stellar shards of a rank from 1 to `ranks`."""
        return next(band.ss for band in self.bands if rank <= band.to)


class RewardRules(Policy):
    """Rewards are claimed within `claim_days`, and announced as about to expire `notice_days` before that."""

    claim_days: Positive
    notice_days: Positive
    listed: tuple[RewardRule, ...]

    @model_validator(mode="after")
    def _notice_comes_before_the_end(self) -> Self:
        if self.notice_days >= self.claim_days:
            raise ValueError(f"expected notice_days below claim_days, got {self.notice_days}")
        return self

    def rule(self, scope: str, board: str, period_kind: str) -> RewardRule | None:
        """Return the rule for a kind of period of a board, or None when it earns nothing."""
        return next(
            (one for one in self.listed if (one.scope, one.board, one.period) == (scope, board, period_kind)), None
        )

    @cached_property
    def boards(self) -> tuple[tuple[str, str], ...]:
        """Return scope and board of all rules, each once."""
        return tuple(dict.fromkeys((rule.scope, rule.board) for rule in self.listed))


class OvertakingRules(Policy):
    """Notify a user who loses one of the first `places` of a board, at most once a day and board.

    Attributes:
        every_s: How often the first places of all partitions are compared.
        boards: Boards whose scores only rise. Where scores fall, a partition does not know its first places.
        periods: The kinds of periods that count.
    """

    places: Positive
    every_s: Positive
    boards: tuple[Literal["xp", "volume", "trades", "streak_days"], ...]
    periods: tuple[Literal["day", "week", "month", "season", "all"], ...]


class GamificationPolicy(Policy):
    """The numbers of the gamification domain."""

    xp: XpRules
    streak: StreakRules
    levels: LevelRules
    achievements: AchievementRules
    boards: BoardRules
    deposits: DepositRules
    social: SocialRules
    prestige: PrestigeRules
    mastery: MasteryRule
    rewards: RewardRules
    overtaking: OvertakingRules
