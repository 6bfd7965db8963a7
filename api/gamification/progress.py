"""Game profiles of users, as a query and as a feed. Public, unless the user is private."""

from __future__ import annotations

from typing import Any, Final

from api.kit.projection import Projection
from api.kit.public import cut_to_hour
from api.kit.public_user_rows import PublicUserRows
from tables.gamification import GAMIFICATION_PROGRESS, Progress, Streak, Unlocked

STREAK: Final = Projection(Streak, "Streak", "Consecutive UTC days with activity, as of the last active day.")
ACHIEVEMENT: Final = Projection(Unlocked, "Achievement", "An achievement and when it was unlocked.")
PROGRESS: Final = Projection(
    Progress,
    "Progress",
    "A user's game profile.",
    key={"user_id": str},
    describe={"ss": "stellar shards ever earned; the balance is in the ledger"},
    nested=(STREAK, ACHIEVEMENT),
)


def public_progress(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the public sees of a game profile: its times are cut to the hour."""
    if "updated_at" not in row:
        return row  # a deleted row
    achievements = [{**one, "at": cut_to_hour(one["at"])} for one in row["achievements"]]
    return {**row, "achievements": achievements, "updated_at": cut_to_hour(row["updated_at"])}


PROGRESS_ROWS: Final = PublicUserRows(
    ("progress", "progress"),
    GAMIFICATION_PROGRESS,
    PROGRESS,
    public_progress,
    title="Game profile",
    doc="XP, level, streaks, achievements and counts. Others see times cut to the hour.",
)
