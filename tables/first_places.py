"""The rows about the first places of boards: of a partition, and over all of them. Amounts are integers of 1e-8 USD."""

from __future__ import annotations

from typing import Final

import msgspec

from tables.keys import SEPARATOR
from tables.rank_score import RankScore
from tables.row import Micros, Row

LEADING_KEY: Final = "leading"
"""The one key of `gamification-leading` and of `gamification-thresholds`, in each partition."""


class Leader(Row, frozen=True, kw_only=True):
    """A user among the first of a board."""

    user_id: str
    score: int
    reached_at: Micros


class Leaders(Row, frozen=True, kw_only=True):
    """The first places of a partition's part of a board, best first, in the newest period with a standing."""

    period: str
    places: tuple[Leader, ...]


class Leading(Row, frozen=True, kw_only=True):
    """The first places of a partition's parts of the boards, and the last round for which it reported them.

    Attributes:
        boards: By board and kind of period, such as `xp/week`.
        changed: Those of them that have changed since the last report.
        round: The number of that round; -1 before the first.
    """

    boards: dict[str, Leaders] = msgspec.field(default_factory=dict)
    changed: tuple[str, ...] = ()
    round: int = -1


class Thresholds(Row, frozen=True, kw_only=True):
    """The rank scores that a standing must reach to be among the first places of this partition.

    Attributes:
        rank_scores: The rank score of the last of the first places, by the name of a standing such as
            `week:2024-W38/xp`. A name that is missing has free places.
    """

    rank_scores: dict[str, RankScore] = msgspec.field(default_factory=dict)


class Candidate(Row, frozen=True, kw_only=True):
    """A user, who is the key, whose standing reached a threshold since the last report."""


class LeadersReport(Row, frozen=True, kw_only=True):
    """What a partition reported for a round that another one has not reached. The key is `report_key`."""

    partition: int
    boards: dict[str, Leaders]


class Rounds(Row, frozen=True, kw_only=True):
    """The last round that each partition has reported. The key is `LEADERS_KEY`."""

    reported: dict[str, int] = msgspec.field(default_factory=dict)


class FirstPlaces(Row, frozen=True, kw_only=True):
    """The first places of a board over all partitions, as of the last round. The key is board and kind of period.

    Attributes:
        parts: The first places of each partition that has standings of the period.
        ranks: The users of all partitions, best first.
    """

    period: str = ""
    parts: dict[str, tuple[Leader, ...]] = msgspec.field(default_factory=dict)
    ranks: tuple[str, ...] = ()


def report_key(number: int, partition: int) -> str:
    """Return a key of `gamification-reports`, for the number of a round. Keys sort by rounds."""
    return f"{number:019d}{SEPARATOR}{partition:06d}"


def round_of(key: str) -> int:
    """Return the number of the round that a key of `gamification-reports` names."""
    return int(key.partition(SEPARATOR)[0])
