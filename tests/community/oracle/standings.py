"""Boards: standings by scope, period and board; lateness and sealing in each partition (domain.md section 5).

A partition knows its users' standings, and its watermark: the newest event time that it has seen, ticks included. An
event whose period ended 24 h or more before the watermark counts in the periods that are still open, and is late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.community.oracle.crossing import Causes
from tests.community.oracle.merkle import root
from tests.community.oracle.partitions import partition_of
from tests.community.oracle.times import DAY, HOUR, day_of, end_of, periods_of, start_of

GRACE: Final = 24 * HOUR
GLOBAL: Final = "global"


@dataclass(slots=True)
class Standing:
    """A score, when it was reached, and the entries behind it."""

    score: int = 0
    reached_at: int = 0
    causes: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Seal:
    """A sealed part of a board."""

    rows: int
    root: str
    sealed_at: int
    cause: str


@dataclass(slots=True)
class Partition:
    """What a partition has seen and sealed. All periods that end at `sealed_to` or earlier are sealed.

    `before` has for each former number of partitions until when the partition sealed as one of so many.
    """

    highest: int = 0
    late: int = 0
    sealed_to: int = 0
    seals: dict[str, Seal] = field(default_factory=dict)
    watermark_stored: bool = False
    sealing_stored: bool = False
    before: tuple[tuple[int, int], ...] = ()

    def due(self, now: int) -> int:
        """Return the midnight up to which periods are to be sealed once the time `now` has come."""
        return max(0, (max(self.highest, now) - GRACE) // DAY * DAY)


@dataclass(slots=True)
class RowCauses:
    """The entries behind a product's row of standings, and the day of the newest entry."""

    causes: set[str] = field(default_factory=set)
    day: int = 0


Place = tuple[int, int, str]
"""Score descending (negated), time of reaching it, user: their order is the order of ranks."""


class Boards:
    """All standings of all partitions."""

    def __init__(self, partitions: int) -> None:
        self.partitions = [Partition() for _ in range(partitions)]
        self.groups: dict[str, dict[str, Standing]] = defaultdict(dict)
        """Standings by `scope/period/board`, then by user."""
        self._ending: dict[int, set[str]] = defaultdict(set)
        self._newest: dict[tuple[str, str], RowCauses] = {}
        self._older: dict[str, set[str]] = defaultdict(set)

    def divide(self, partitions: int) -> None:
        """Divide each partition. The new ones have seen and sealed what theirs has, and hold no seals and no counts."""
        count = len(self.partitions)
        for one in self.partitions:
            if one.sealing_stored:
                one.before = (*one.before, (count, one.sealed_to))
        for number in range(count, partitions):
            self.partitions.append(replace(self.partitions[number % count], late=0, seals={}))

    def partition(self, user: str) -> Partition:
        """Return the partition of a user."""
        return self.partitions[partition_of(user, len(self.partitions))]

    def open_periods(self, user: str, at: int) -> tuple[str, ...]:
        """Move the watermark of the user's partition, count the event there if it is late, and return open periods."""
        partition = self.partition(user)
        partition.highest = max(partition.highest, at)
        partition.watermark_stored = True
        periods = periods_of(at)
        found = tuple(one for one in periods if (end := end_of(one)) is None or partition.highest < end + GRACE)
        partition.late += len(found) < len(periods)
        return found

    def add(
        self, scope: str, board: str, user: str, amount: int, *, at: int, periods: Iterable[str], causes: Causes
    ) -> None:
        """Add to a score in some periods. The first event of a board puts the user there, even with 0."""
        for period in periods:
            group = f"{scope}/{period}/{board}"
            users = self.groups[group]
            if user not in users:
                users[user] = Standing(amount, at, set(causes))
                if (end := end_of(period)) is not None:
                    self._ending[end].add(group)
            elif amount:
                held = users[user]
                held.score, held.reached_at = held.score + amount, at
                held.causes.update(causes)
            else:
                continue
            self._note(scope, period, user, at, causes)

    def total(self, scope: str, board: str, member: str, amount: int, *, at: int, period: str, causes: Causes) -> None:
        """Add to a total, which several partitions report. It was reached at the latest time of all."""
        group = f"{scope}/{period}/{board}"
        if member not in self.groups[group] and (end := end_of(period)) is not None:
            self._ending[end].add(group)
        held = self.groups[group].setdefault(member, Standing())
        held.score, held.reached_at = held.score + amount, max(held.reached_at, at)
        held.causes.update(causes)
        self._note(scope, period, member, at, causes)

    def reach(self, user: str, days: int, *, at: int, periods: Iterable[str], causes: Causes) -> None:
        """Raise the streak days of some periods to those days of a streak that lie in them, if these are more."""
        for period in periods:
            group, start = f"{GLOBAL}/{period}/streak_days", start_of(period)
            value = days if start is None else min(days, day_of(at) - day_of(start) + 1)
            users = self.groups[group]
            if user not in users:
                users[user] = Standing(0, at)
                if (end := end_of(period)) is not None:
                    self._ending[end].add(group)
            if value > users[user].score:
                users[user].score, users[user].reached_at = value, at
                users[user].causes.update(causes)
                self._note(GLOBAL, period, user, at, causes)

    def _note(self, scope: str, period: str, user: str, at: int, causes: Causes) -> None:
        """Note which of the product's rows the entry changes: newest standings, or those of an older period."""
        newest = self._newest.setdefault((scope, user), RowCauses(day=day_of(at)))
        end = end_of(period)
        if end is not None and end <= newest.day * DAY:
            self._older[f"{scope}/{period}|{user}"].update(causes)
            return
        if day_of(at) > newest.day:
            for over in self._over(scope, user, newest.day, day_of(at)):
                self._older[f"{scope}/{over}|{user}"].update(causes)
            newest.day = day_of(at)
        newest.causes.update(causes)

    def _over(self, scope: str, user: str, before: int, now: int) -> Iterable[str]:
        """Yield the periods of the newest standings that are over on a later day."""
        return [one for one in periods_of(before * DAY) if (end := end_of(one)) is not None and end <= now * DAY]

    def tick(self, at: int, cause: str) -> bool:
        """Seal what is over in every partition. Return whether any partition sealed."""
        sealed = [self._seal(number, partition, at, cause) for number, partition in enumerate(self.partitions)]
        return any(sealed)

    def _seal(self, number: int, partition: Partition, at: int, cause: str) -> bool:
        until = partition.due(at)
        if until > partition.due(partition.highest):
            partition.highest, partition.watermark_stored = at, True
        if until <= partition.sealed_to:
            return False
        for end in sorted(end for end in self._ending if partition.sealed_to < end <= until):
            for group in sorted(self._ending[end]):
                places = self._part(group, number)
                if places:
                    rows = [(-negated, reached_at, user) for negated, reached_at, user in places]
                    partition.seals[group] = Seal(len(rows), root(rows), at, cause)
        partition.sealed_to, partition.sealing_stored = until, True
        return True

    def _part(self, group: str, number: int) -> list[Place]:
        users = self.groups[group]
        return _ranked({user: one for user, one in users.items() if partition_of(user, len(self.partitions)) == number})

    def sealed_everywhere(self) -> int:
        """Return the end of the latest periods that every partition has sealed."""
        return min(partition.sealed_to for partition in self.partitions)

    def ended(self, after: int, until: int, scope: str, board: str) -> list[str]:
        """Return the periods with rows of a board that end after one time and not after another, earliest end first."""
        ends = sorted(end for end in self._ending if after < end <= until)
        groups = [group for end in ends for group in sorted(self._ending[end])]
        return [
            group.split("/")[1] for group in groups if group.startswith(f"{scope}/") and group.endswith(f"/{board}")
        ]

    def ranked(self, scope: str, period: str, board: str) -> list[Place]:
        """Return the rows of a board in rank order."""
        return _ranked(self.groups[f"{scope}/{period}/{board}"])

    def folded(self, key: str) -> set[str]:
        """Return the entries behind a standing (`scope/period/board|user`), or behind a row of the product."""
        name, _, user = key.partition("|")
        if name.count("/") == 2:
            return set(self.groups[name][user].causes)
        if "/" in name:
            return set(self._older[key])
        return set(self._newest[name, user].causes)

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return every standing."""
        return {
            f"{group}|{user}": {"score": one.score, "reached_at": one.reached_at}
            for group, users in self.groups.items()
            for user, one in users.items()
        }


def _ranked(users: dict[str, Standing]) -> list[Place]:
    return sorted((-one.score, one.reached_at, user) for user, one in users.items())
