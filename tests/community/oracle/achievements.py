"""Achievements, mastery and prestige: the conditions of domain.md sections 4, 6 and 8 over a player's counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from tests.oracle.fills import E8

POINT: Final = 1_000_000
"""A point of social rating, in millionths."""
GENESIS: Final = {"trades-1": "first_trade", "level-25": "level_milestone_25", "level-50": "level_milestone_50"}
"""The genesis tokens that an achievement makes a player eligible for."""


class Counts(Protocol):
    """The counts of a player that conditions need."""

    trades: int
    closes: int
    wins: int
    shards: int
    largest_trade: int
    rating_ppm: int | None
    founded: bool
    battle_wins: int

    @property
    def level(self) -> int:
        """Return the level."""

    def streak_days(self, kind: str) -> int:
        """Return the days of a streak."""


class Achievement(NamedTuple):
    """An achievement: its name, its XP, its number among those of its kind, and its condition."""

    name: str
    xp: int
    tier: int
    holds: Callable[[Any], bool]


def _series(kind: str, steps: dict[int, int], measure: Callable[[Counts], int]) -> list[Achievement]:
    def reaches(least: int) -> Callable[[Counts], bool]:
        return lambda player: measure(player) >= least

    return [
        Achievement(f"{kind}-{least}", xp, tier, reaches(least)) for tier, (least, xp) in enumerate(steps.items(), 1)
    ]


def win_rate_reaches(player: Counts, percent: int) -> bool:
    """Return whether wins ÷ closing trades is at least so many percent. Without a closing trade there is no rate."""
    return player.closes > 0 and player.wins * 100 >= percent * player.closes


LISTED: Final = (
    *_series("trades", {1: 50, 10: 100, 100: 500, 1_000: 1_000, 10_000: 2_500}, lambda player: player.trades),
    *_series("profitable_close", {1: 25}, lambda player: player.wins),
    *_series("single_trade", {10_000: 1_000}, lambda player: player.largest_trade // E8),
    *_series("trading_streak", {7: 300, 30: 1_500, 100: 5_000}, lambda player: player.streak_days("trading")),
    *_series("level", {10: 200, 25: 750, 50: 2_500, 75: 5_000, 100: 10_000}, lambda player: player.level),
    Achievement("win_rate-70", 750, 1, lambda player: player.closes >= 10 and win_rate_reaches(player, 70)),
    *_series("social_rating", {75: 500}, lambda player: (player.rating_ppm or 0) // POINT),
    *_series("constellation_founder", {1: 250}, lambda player: int(player.founded)),
    *_series("battle_win", {1: 100, 10: 750}, lambda player: player.battle_wins),
)
"""In the order of the rule book."""


@dataclass(frozen=True)
class Tier:
    """A tier of prestige: trades, shards ever earned, and percent of closing trades that are wins."""

    name: str
    trades: int
    shards: int
    percent: int


TIERS: Final = (Tier("bronze", 50, 10_000, 60), Tier("silver", 200, 50_000, 60), Tier("gold", 500, 100_000, 75))


def prestige_of(player: Counts) -> str | None:
    """Return the highest tier whose conditions all hold."""
    held = [
        tier.name
        for tier in TIERS
        if player.trades >= tier.trades and player.shards >= tier.shards and win_rate_reaches(player, tier.percent)
    ]
    return held[-1] if held else None


def is_higher(tier: str | None, other: str | None) -> bool:
    """Return whether a tier of prestige is above another; None is below all."""
    names = [None, *(one.name for one in TIERS)]
    return names.index(tier) > names.index(other)


def is_master(player: Counts) -> bool:
    """Return whether a player's trades and wins are those of a trading master: 1,000 trades and 80% wins."""
    return player.trades >= 1_000 and win_rate_reaches(player, 80)
