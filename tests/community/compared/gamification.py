"""The rows of gamification in the oracle's shape."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from tables import typed
from tables.boards import Standing, group_of
from tables.gamification import (
    GAMIFICATION_BOARDS,
    GAMIFICATION_CANDIDATES,
    GAMIFICATION_CONTRIBUTIONS,
    GAMIFICATION_DAYS,
    GAMIFICATION_DEADLINES,
    GAMIFICATION_DECIDING,
    GAMIFICATION_FIRST,
    GAMIFICATION_HOURS,
    GAMIFICATION_LEADING,
    GAMIFICATION_OVERTAKINGS,
    GAMIFICATION_PENDING_XP,
    GAMIFICATION_PROCESSED,
    GAMIFICATION_PROGRESS,
    GAMIFICATION_REPORTS,
    GAMIFICATION_REWARDS,
    GAMIFICATION_ROUNDS,
    GAMIFICATION_RUNS,
    GAMIFICATION_SEALING,
    GAMIFICATION_SEALS,
    GAMIFICATION_THRESHOLDS,
    GAMIFICATION_TRADES,
    GAMIFICATION_WATERMARK,
    Rewards,
    TradeTally,
)
from tables.hours import Hour
from tables.row import Row
from tables.watermark import Watermark
from tests.community.compared.engine import Plain, Projection


def whole(key: str, row: Row) -> Iterable[tuple[str, Plain]]:
    """Yield a row with all its fields."""
    yield key, row.as_json()


def tally(key: str, row: TradeTally) -> Iterable[tuple[str, Plain]]:
    """Yield a tally without the day of its last change, which depends on the ticks before it."""
    yield key, {name: value for name, value in row.as_json().items() if name != "changed_on"}


def rewards(key: str, row: Rewards) -> Iterable[tuple[str, Plain]]:
    """Yield a user's rewards by their ids. Those of one tick come in any order: shares of a pool take one more hop."""
    ordered = sorted(row.rewards, key=attrgetter("reward_id"))
    yield key, Rewards(rewards=tuple(ordered)).as_json()


def standings(key: str, row: bytes) -> Iterable[tuple[str, Plain]]:
    """Yield the standings of a ranked row, each by ranking and user. The rank score follows from the other two."""
    row_name, _, user_id = key.partition("|")
    for name, ranked in typed.standings(row).items():
        standing = Standing.of(ranked)
        assert ranked[0] == standing.ranked[0], f"{key} has another rank score than its standing {name}"
        yield f"{group_of(row_name, name)}|{user_id}", standing._asdict()


def watermark(key: str, row: Watermark) -> Iterable[tuple[str, Plain]]:
    """Yield a watermark. What it means for windows shows in these."""
    yield key, {"highest": row.highest, "late": row.late}


def hour(key: str, row: Hour) -> Iterable[tuple[str, Plain]]:
    """Yield an hour with all XP in sum."""
    traded = {
        f"{mode}_{name}": value for mode in ("live", "practice") for name, value in getattr(row, mode).as_json().items()
    }
    yield key, {"users": row.users, **traded, "xp": sum(row.xp.values())}


TABLES: Final[dict[str, Projection]] = {
    GAMIFICATION_PROGRESS.name: whole,
    GAMIFICATION_TRADES.name: tally,
    GAMIFICATION_BOARDS.name: standings,
    GAMIFICATION_WATERMARK.name: watermark,
    GAMIFICATION_HOURS.name: hour,
    GAMIFICATION_DAYS.name: whole,
    GAMIFICATION_SEALING.name: whole,
    GAMIFICATION_SEALS.name: whole,
    GAMIFICATION_DECIDING.name: whole,
    GAMIFICATION_REWARDS.name: rewards,
    GAMIFICATION_DEADLINES.name: whole,
    GAMIFICATION_OVERTAKINGS.name: whole,
    GAMIFICATION_CONTRIBUTIONS.name: whole,
}
HOUR_FIELDS: Final = ("users", "live_executions", "live_volume", "practice_executions", "practice_volume", "xp")
SUMMED: Final = {GAMIFICATION_HOURS.name: HOUR_FIELDS}
PARTITIONED: Final = (GAMIFICATION_WATERMARK.name, GAMIFICATION_SEALING.name, GAMIFICATION_SEALS.name)
EMPTY: Final = (GAMIFICATION_RUNS.name, GAMIFICATION_PROCESSED.name, GAMIFICATION_REPORTS.name)
NOT_COMPARED: Final = dict.fromkeys(
    (
        GAMIFICATION_THRESHOLDS.name,
        GAMIFICATION_FIRST.name,
        GAMIFICATION_LEADING.name,
        GAMIFICATION_ROUNDS.name,
        GAMIFICATION_CANDIDATES.name,
        GAMIFICATION_PENDING_XP.name,
    ),
    "bookkeeping: first places, which follow from the standings, and what ticks tell later",
)
