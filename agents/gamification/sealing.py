"""Seal a partition's parts of the boards whose periods are over, in bounded steps: one at each tick.

The rows of a sealed period cannot change. A user's standings of it may move from the row of the newest standings to a
row of their own meanwhile. So the steps collect the newest rows first and the older ones then: no user is missed, and
one who is found twice is found with the same standing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from msgspec.structs import replace

from agents.gamification.policy import BoardRules, RewardRules
from streams.events import AnyEvent, Event
from streams.events.clock import Ticked
from streams.events.gamification import LeaderboardSealed, PartitionSealed, TopPlace
from streams.times import DAY_US, HOUR_US
from tables import merkle
from tables.boards import Period, Standing, group_of, parse_period, place_of
from tables.gamification import (
    GAMIFICATION_RUNS,
    GAMIFICATION_SEALING,
    GAMIFICATION_SEALS,
    SEALING_KEY,
    FoundStanding,
    Run,
    SealedPart,
    Sealing,
)
from tables.typed import RankedTable
from tables.unit_of_work import UnitOfWork

_AFTER_SLASH: Final = "0"
"""The character after the slash. No key between `scope/` and `scope0` is a row of the newest standings."""
_AFTER_BAR: Final = "}"
_NEXT: Final = "\0"

Found = dict[str, dict[str, FoundStanding]]
"""Standings by ranking and user."""


def sealed_to(watermark: int, rules: BoardRules) -> int:
    """Return the midnight (microseconds) up to which periods are sealed at a watermark."""
    return max(0, (watermark - rules.late_grace_h * HOUR_US) // DAY_US * DAY_US)


class Sealer:
    """Seals the parts of a partition."""

    def __init__(self, tables: UnitOfWork, boards: RankedTable, rules: BoardRules, rewards: RewardRules) -> None:
        self._boards = boards
        self._rows_max = rules.seal_rows_max
        self._rewards = rewards
        self._states = tables.rows(GAMIFICATION_SEALING)
        self._runs = tables.rows(GAMIFICATION_RUNS)
        self._seals = tables.rows(GAMIFICATION_SEALS)

    def step(self, tick: Event[Ticked], until: int) -> list[AnyEvent]:
        """Do one step of sealing the periods that end at `until` or earlier; return the parts that it sealed."""
        state = self._states.get(SEALING_KEY) or Sealing()
        if not state.until:
            if until <= state.sealed_to:
                return []
            state = replace(state, until=until)
        left, effects = self._rows_max, list[Any]()
        while left > 0 and state.until:
            if state.phase == "parts":
                state, left = self._make_parts(state, left, tick, effects)
            else:
                state, left = self._collect(state, left)
        self._states.put(SEALING_KEY, state)
        return effects

    def _collect(self, state: Sealing, left: int) -> tuple[Sealing, int]:
        """Note the standings of the ended periods in some rows."""
        found: Found = defaultdict(dict)
        cursor: str | None = state.cursor
        while left > 0 and cursor is not None:
            cursor, left = self._scan(state, cursor, left, found)
        for group, standings in found.items():
            self._runs.put(f"{group}|{state.runs:09d}", Run(standings=standings))
        state = replace(state, runs=state.runs + 1, cursor=cursor or "")
        if cursor is None:
            state = replace(state, phase="older" if state.phase == "newest" else "parts")
        return state, left

    def _scan(self, state: Sealing, begin: str, left: int, found: Found) -> tuple[str | None, int]:
        """Scan rows up to the first that the phase leaves out; return the key to continue at, or None at the end."""
        for key, standings in self._boards.range(begin):
            left -= 1
            row_name, _, user_id = key.rpartition("|")
            scope, slash, period = row_name.partition("/")
            if state.phase == "newest":
                if slash:
                    return scope + _AFTER_SLASH, left
            elif not slash:
                return scope + _AFTER_BAR, left
            elif not _ends_in(state, parse_period(period)):
                return row_name + _AFTER_BAR, left
            for name, ranked in standings.items():
                if slash or _ends_in(state, place_of(name)[0]):
                    score, reached_at = Standing.of(ranked)
                    found[group_of(row_name, name)][user_id] = FoundStanding(score=score, reached_at=reached_at)
            if left <= 0:
                return key + _NEXT, left
        return None, left

    def _make_parts(
        self, state: Sealing, left: int, tick: Event[Ticked], effects: list[AnyEvent]
    ) -> tuple[Sealing, int]:
        """Seal the parts of some rankings, at least one."""
        first = next(self._runs.range(state.cursor), None)
        if first is None:
            effects += self._told(state.until, tick)
            return Sealing(sealed_to=state.until, before=state.before), left
        group = first[0].rpartition("|")[0]
        standings: dict[str, FoundStanding] = {}
        for key, run in self._runs.prefix(f"{group}|"):
            standings.update(run.standings)
            self._runs.delete(key)
        effects.append(self._seal(group, standings, tick))
        return replace(state, cursor=f"{group}{_AFTER_BAR}"), left - 1 - len(standings)

    def _seal(self, group: str, standings: dict[str, FoundStanding], tick: Event[Ticked]) -> AnyEvent:
        rows = sorted(Standing(one.score, one.reached_at).order(user_id) for user_id, one in standings.items())
        root = merkle.root([merkle.leaf(-score, at, user_id) for score, at, user_id in rows])
        self._seals.put(group, SealedPart(rows=len(rows), root=root, sealed_at=int(tick.time)))
        scope, period, board = group.split("/")
        partition = tick.data.partition
        rule = self._rewards.rule(scope, board, parse_period(period).kind)
        top = tuple(
            TopPlace(user_id=user_id, score=str(-score), reached_at_us=at)
            for score, at, user_id in rows[: rule.ranks if rule else 0]
        )
        sealed = LeaderboardSealed(
            board=board, scope=scope, period=period, partition=partition, rows=len(rows), digest=root, top=top
        )
        return tick.then(sealed, key=f"{scope}/{board}", name=f"{partition}|{group}")

    def _told(self, until: int, tick: Event[Ticked]) -> list[AnyEvent]:
        """Return for each board with rewards that this partition has sealed its parts."""
        number, partitions = tick.data.partition, tick.data.partitions
        return [
            tick.then(
                PartitionSealed(scope=scope, board=board, partition=number, partitions=partitions, sealed_to_us=until),
                key=f"{scope}/{board}",
                name=f"{number}|{scope}/{board}",
            )
            for scope, board in self._rewards.boards
        ]


def _ends_in(state: Sealing, period: Period) -> bool:
    return period.end is not None and state.sealed_to < period.end <= state.until
