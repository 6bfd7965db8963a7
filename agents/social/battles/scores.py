"""Scores and prizes of battles. Pure functions over exact integers: 1e-8 points, and whole stellar shards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from agents.social.battles.policy import PrizeRules, ScoreRules
from streams.events.battles import BattleKind
from streams.units import PPM, USD_UNIT, USD_WHOLE_DIGITS_MAX

LIMIT: Final = 10**USD_WHOLE_DIGITS_MAX * USD_UNIT - 1
"""The greatest amount that an event can hold, in 1e-8."""


class Points(NamedTuple):
    """What trades count for a battle: pnl in 1e-8 USD, closing trades, those of them that are wins, and all trades."""

    pnl: int
    closes: int
    wins: int
    trades: int


def bounded(amount: int) -> int:
    """Return an amount that an event can hold."""
    return max(-LIMIT, min(LIMIT, amount))


def score_of(points: Points, rules: ScoreRules, factor_ppm: int = PPM) -> int:
    """Return max(0, pnl + 100 × win rate + min(10 × trades, 200)) × kind, in 1e-8 points.

    The fraction is exact and rounded down once. Without closing trades the win rate is 0.
    """
    closes = max(1, points.closes)
    traded = min(rules.trade * points.trades, rules.trades_max) * USD_UNIT
    summed = (points.pnl + traded) * closes + rules.win_rate_units * points.wins
    return bounded(max(0, summed) * factor_ppm // (closes * PPM))


def side_score(points: Points, rules: ScoreRules, kind: BattleKind) -> int:
    """Return the score of a side in a kind of battle."""
    return score_of(points, rules, rules.kinds_ppm[kind])


def shares(challenger: int, defender: int, rules: PrizeRules) -> tuple[int, int]:
    """Return the part of the pool for each side, from their scores."""
    if challenger == defender:
        return rules.pool_ss // 2, rules.pool_ss // 2
    winner, loser = rules.winner, rules.pool_ss - rules.winner
    return (winner, loser) if challenger > defender else (loser, winner)


def prizes(share: int, members: Mapping[str, Points], rules: ScoreRules) -> dict[str, int]:
    """Divide a side's share by contribution, which is the score of each member alone.

    Each part is rounded down. The remainder goes to the member who contributed most; of equal ones to the first by id.
    When no member contributed, nothing is paid.
    """
    weights = {user_id: score_of(points, rules) for user_id, points in members.items()}
    whole = sum(weights.values())
    if not whole:
        return {}
    parts = {user_id: share * weight // whole for user_id, weight in weights.items()}
    best = min(weights, key=lambda user_id: (-weights[user_id], user_id))
    parts[best] += share - sum(parts.values())
    return {user_id: part for user_id, part in sorted(parts.items()) if part}


def digest_of(lines: Iterable[tuple[str, str, Points, int]]) -> str:
    """Return SHA-256 over the lines ``side user_id pnl closes wins trades prize``, sorted. Each ends with a newline.

    The pnl is the integer of 1e-8 USD.
    """
    digest = hashlib.sha256()
    for side, user_id, points, prize in sorted(lines):
        numbers = " ".join(str(number) for number in (*points, prize))
        digest.update(f"{side} {user_id} {numbers}\n".encode())
    return digest.hexdigest()
