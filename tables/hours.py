"""What all users did and earned in an hour. Pure functions.

Each partition keeps a part of it; readers merge the parts.
"""

from __future__ import annotations

import msgspec

from tables.row import Amount, Row
from tables.windows import added


class HourlyTrading(Row, frozen=True, kw_only=True):
    """The executions of an hour in one mode, counted and summed."""

    executions: int = 0
    volume: Amount = 0


class Hour(Row, frozen=True, kw_only=True):
    """What users did and earned in an hour, in this partition.

    Attributes:
        users: Users who were active. Each counts once an hour, in one partition, so the numbers of partitions add up.
        xp: XP by source.
    """

    users: int = 0
    live: HourlyTrading = HourlyTrading()
    practice: HourlyTrading = HourlyTrading()
    xp: dict[str, int] = msgspec.field(default_factory=dict)


def merged(one: Hour, other: Hour) -> Hour:
    """Return the sums of both. The order does not matter."""
    return Hour(
        users=one.users + other.users,
        live=_added(one.live, other.live),
        practice=_added(one.practice, other.practice),
        xp=added(one.xp, other.xp),
    )


def _added(one: HourlyTrading, other: HourlyTrading) -> HourlyTrading:
    return HourlyTrading(executions=one.executions + other.executions, volume=one.volume + other.volume)
