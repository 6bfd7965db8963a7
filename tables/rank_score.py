"""The rank score of a standing: the number by which the broker sorts a ranking.

It is the one float of the rules and rows. It only orders members: what a board shows comes from the integers beside it.
"""

from __future__ import annotations

from typing import Final, TypeAlias

RankScore: TypeAlias = float
"""Lowest first: the best standing has the lowest rank score."""

EXACT_LIMIT: Final = 2**53
"""A double holds each integer up to this magnitude exactly."""

_SPAN_US: Final = EXACT_LIMIT
"""The rank score uses times up to this one, in 2255. It treats a later time as this one."""


def rank_score(score: int, reached_at: int) -> RankScore:
    """Return −(score + 1 − reached_at ÷ 2^53), rounded once: a better standing never has the greater rank score.

    The fraction puts equal scores into the order of their times, as far as a double reaches: 1 ms for scores up to
    1,000, 1 s up to 10^6, 20 minutes up to 10^9. Readers put standings with equal rank scores into their exact order.

    For a score and a time below `EXACT_LIMIT` in magnitude, ``reached_at / EXACT_LIMIT - (score + 1)`` is the same
    number: both operands are exact, so the difference is rounded once.
    """
    return ((min(reached_at, _SPAN_US) - _SPAN_US) - score * _SPAN_US) / _SPAN_US
