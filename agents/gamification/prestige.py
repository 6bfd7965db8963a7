"""Prestige: the highest tier whose conditions a user meets now. Pure functions."""

from __future__ import annotations

from typing import Final, Protocol, get_args

from agents.gamification.policy import MasteryRule, PrestigeRules
from streams.events.gamification import PrestigeTier

_TIERS: Final[tuple[PrestigeTier, ...]] = get_args(PrestigeTier)
_PERCENT: Final = 100


class Counts(Protocol):
    """The counts of a user that prestige needs."""

    trades: int
    ss: int
    closes: int
    wins: int


def prestige_of(user: Counts, rules: PrestigeRules) -> PrestigeTier | None:
    """Return the highest tier whose conditions all hold. A user without a closing trade has none."""
    held = None
    for rule in rules.tiers:
        enough = user.trades >= rule.trades and user.ss >= rule.ss
        if enough and user.closes and user.wins * _PERCENT >= rule.win_percent * user.closes:
            held = rule.tier
    return held


def is_master(user: Counts, rule: MasteryRule) -> bool:
    """Return whether a user's trades and wins are those of a master of trading."""
    return user.trades >= rule.trades and 0 < user.closes * rule.win_percent <= user.wins * _PERCENT


def rank_of(tier: PrestigeTier | None) -> int:
    """Return the rank of a tier: 0 for none, then from 1 for the lowest."""
    return 0 if tier is None else _TIERS.index(tier) + 1
