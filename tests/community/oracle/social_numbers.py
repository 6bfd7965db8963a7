"""The numbers of the social domain, as domain.md (sections 6, 8, 10, 14) and decisions 0035 and 0040 give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

SECOND: Final = 1_000_000
HOUR: Final = 3_600 * SECOND
DAY: Final = 24 * HOUR
POINT: Final = 1_000_000
"""A point of a social rating, in millionths."""


@dataclass(frozen=True, slots=True)
class PeopleNumbers:
    """Numbers of interactions, ratings and contents. Ratings are in millionths of a point, weights in tenths.

    A command may come up to an hour behind its user's newest one, so the times of two hours are kept.
    """

    interactions_an_hour: int = 10
    hours_kept: int = 2
    follows: int = 200
    contents_a_day: int = 20
    contents_kept: int = 50
    entries_kept: int = 20
    rating_first: int = 50 * POINT
    rating_highest: int = 100 * POINT
    endorsement_highest: int = 2 * POINT
    endorsement_pool: int = 10 * POINT
    report_highest: int = 5 * POINT
    report_share: Fraction = Fraction(1, 10)
    legend_contents: int = 5
    legend_tenths: int = 5_000
    weights: Mapping[str, int] = field(
        default_factory=lambda: {
            "reddit": 25,
            "twitter": 20,
            "discord": 18,
            "instagram": 15,
            "telegram": 13,
            "facebook": 12,
        }
    )


@dataclass(frozen=True, slots=True)
class ConstellationNumbers:
    """Numbers of constellations."""

    members_default: int = 50
    banned: int = 200
    level_shards: int = 10_000
    level_members: int = 5


@dataclass(frozen=True, slots=True)
class BattleNumbers:
    """Numbers of battles. Times are in microseconds."""

    hours: int = 24
    challenge: int = DAY
    start_delay: int = 60 * SECOND
    close_grace: int = 60 * SECOND
    report: int = 5 * SECOND
    win_rate_points: int = 100
    trade_points: int = 10
    trades_points_most: int = 200
    pool: int = 1_000
    winner: Fraction = Fraction(4, 5)
    rating_first: int = 1_000
    rating_floor: int = 100
    rating_gap: int = 500
    win: int = 20
    loss: int = -10
    kinds: Mapping[str, Fraction] = field(
        default_factory=lambda: {
            "trading_duel": Fraction(1),
            "stellar_supremacy": Fraction(4, 5),
            "cosmic_conquest": Fraction(6, 5),
        }
    )


@dataclass(frozen=True, slots=True)
class SocialNumbers:
    """All numbers of the social domain."""

    people: PeopleNumbers = field(default_factory=PeopleNumbers)
    constellations: ConstellationNumbers = field(default_factory=ConstellationNumbers)
    battles: BattleNumbers = field(default_factory=BattleNumbers)
