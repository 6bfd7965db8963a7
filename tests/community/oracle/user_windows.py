"""What users did and earned by hour, and each user by day. Late events are left out, by the partition's watermark."""

from __future__ import annotations

from collections import Counter, defaultdict
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from tests.community.oracle.crossing import Causes, Execution, Settlement
from tests.community.oracle.times import DAY, HOUR

GRACE: Final = 24 * HOUR
KEPT: Final = 90 * DAY
FIELDS: Final = ("users", "xp", "live_executions", "live_volume", "practice_executions", "practice_volume")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Streaked(NamedTuple):
    """A streak to which a day counts, and its length then."""

    kind: str
    days: int


class Seen(NamedTuple):
    """The partition of an event, and the watermark there after it."""

    partition: int
    watermark: int


class UserWindows:
    """The rows by their keys in the product: `user|day`, and `1h|begin` over all partitions."""

    def __init__(self) -> None:
        self.days: dict[str, dict[str, Any]] = {}
        self.causes: dict[str, set[str]] = defaultdict(set)
        """The entries that changed a day, by its key."""
        self._hours: dict[int, dict[int, Counter[str]]] = defaultdict(dict)
        """By partition and hour."""
        self._active: set[tuple[str, int]] = set()
        """User and hour of those who were active."""

    def count(
        self,
        user: str,
        at: int,
        seen: Seen,
        *,
        xp: int,
        causes: Causes,
        fact: Execution | Settlement | None = None,
        first: bool = False,
        active: bool = False,
        streak: Streaked | None = None,
    ) -> None:
        """Count an event: the XP that it brought, and what it did to a trade, the first of it or not."""
        if seen.watermark >= (at // DAY + 1) * DAY + GRACE:
            return
        key = f"{user}|{EPOCH + timedelta(microseconds=at):%Y-%m-%d}"
        before = deepcopy(self.days.get(key))
        self._count_day(key, at, xp=xp, fact=fact, first=first, active=active, streak=streak)
        if self.days[key] != before:
            self.causes[key].update(causes)
        hour = at // HOUR
        is_new = active and (user, hour) not in self._active
        if active:
            self._active.add((user, hour))
        if seen.watermark >= (hour + 1) * HOUR + GRACE:
            return
        hours = self._hours[seen.partition]
        row = hours.setdefault(hour, Counter(dict.fromkeys(FIELDS, 0)))
        row.update(users=is_new, xp=xp)
        if isinstance(fact, Execution):
            row.update({f"{fact.mode}_executions": 1, f"{fact.mode}_volume": fact.notional})
        for old in [one for one in hours if (one + 1) * HOUR + KEPT <= seen.watermark]:
            del hours[old]

    def hours(self) -> dict[str, dict[str, int]]:
        """Return the hours by key, over all partitions."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for hours in self._hours.values():
            for hour, row in hours.items():
                found[f"1h|{EPOCH + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}"].update(row)
        return {key: dict(row) for key, row in found.items()}

    def _count_day(
        self,
        key: str,
        at: int,
        *,
        xp: int,
        fact: Execution | Settlement | None,
        first: bool,
        active: bool,
        streak: Streaked | None,
    ) -> None:
        nothing = {"trades": 0, "volume": 0, "pnl": 0, "fees": 0}
        day = self.days.setdefault(
            key, {"xp": 0, "live": {**nothing}, "practice": {**nothing}, "streaks": {}, "hours": 0}
        )
        day["xp"] += xp
        if fact is not None:
            traded = day[fact.mode]
            traded["trades"] += first
            traded["pnl"] += fact.pnl
            if isinstance(fact, Execution):
                traded["volume"] += fact.notional
                traded["fees"] += fact.fee
        if active:
            day["hours"] |= 1 << at % DAY // HOUR
        if streak is not None:
            day["streaks"][streak.kind] = streak.days
