"""Totals of constellations: the XP of their members, told at ticks and ranked in the partition of each constellation.

XP count for the constellation that the user is a member of when they are earned.
"""

from __future__ import annotations

from itertools import islice

from agents.gamification.policy import BoardRules
from agents.gamification.standings import take_out
from streams.events import AnyEvent, Event
from streams.events.clock import Ticked
from streams.events.gamification import ConstellationScored, LateEventRecorded, PeriodXp
from streams.times import DAY_US
from tables.boards import CONSTELLATIONS, Period, Periods, Ranked, Standing, older_key, parse_period, row_key
from tables.gamification import (
    GAMIFICATION_POOLED,
    WATERMARK_KEY,
    Pooled,
    PooledXp,
    Watermark,
)
from tables.typed import RankedTable, TypedTable
from tables.unit_of_work import UnitOfWork


class Totals:
    """The XP of members in a partition, and the totals of the constellations whose keys are in it."""

    def __init__(
        self, tables: UnitOfWork, boards: RankedTable, watermarks: TypedTable[Watermark], rules: BoardRules
    ) -> None:
        self._boards = boards
        self._rules = rules
        self._pooled = tables.rows(GAMIFICATION_POOLED)
        self._watermarks = watermarks

    def earn(self, constellation_id: str, xp: int, at: int, periods: Periods) -> None:
        """Add XP of a member in the periods that are open to them."""
        pooled = dict((self._pooled.get(constellation_id) or Pooled()).periods)
        for period in periods.listed:
            held = pooled.get(period.text)
            before, reached_at = (held.xp, held.reached_at) if held is not None else (0, 0)
            pooled[period.text] = PooledXp(xp=before + xp, reached_at=max(reached_at, at))
        self._pooled.put(constellation_id, Pooled(periods=pooled))

    def tell(self, tick: Event[Ticked]) -> list[AnyEvent]:
        """Tell constellations what their members earned since the last tick, a bounded number a tick."""
        effects: list[AnyEvent] = []
        for constellation_id, pooled in list(islice(self._pooled.range(""), self._rules.seal_rows_max)):
            self._pooled.delete(constellation_id)
            periods = tuple(
                PeriodXp(period=period, xp=one.xp, reached_at_us=one.reached_at)
                for period, one in pooled.periods.items()
            )
            number = tick.data.partition
            scored = ConstellationScored(partition=number, periods=periods)
            effects.append(tick.then(scored, key=constellation_id, name=f"{number}|{constellation_id}"))
        return effects

    def scored(self, event: Event[ConstellationScored]) -> list[AnyEvent]:
        """Add XP to the totals of a constellation, except for periods that its partition has sealed."""
        watermark = self._watermarks.get(WATERMARK_KEY) or Watermark()
        missed = []
        for one in sorted(event.data.periods, key=lambda one: (one.reached_at_us, one.period)):
            period = parse_period(one.period)
            if period.sealed(watermark.highest, self._rules.late_grace_h):
                missed.append(one.period)
            else:
                self._add(event.partitionkey, period, one)
        if not missed:
            return []
        recorded = LateEventRecorded(
            source_event_id=event.id, periods=tuple(missed), watermark_us=int(watermark.highest)
        )
        return [event.then(recorded)]

    def _add(self, constellation_id: str, period: Period, earned: PeriodXp) -> None:
        """Add to a total, in the row of the newest standings or in that of an older period."""
        key = row_key(CONSTELLATIONS, constellation_id)
        newest = dict(self._boards.get(key) or {})
        over, older = take_out(newest, Periods(earned.reached_at_us // DAY_US * DAY_US, (period,)))
        for text, standings in over.items():
            self._boards.put(older_key(CONSTELLATIONS, text, constellation_id), standings)
        if older:
            if over:
                self._boards.put(key, newest)
            place = older_key(CONSTELLATIONS, period.text, constellation_id)
            self._boards.put(place, _with(dict(self._boards.get(place) or {}), "xp", earned))
        else:
            self._boards.put(key, _with(newest, f"{period.text}/xp", earned))


def _with(standings: dict[str, Ranked], name: str, earned: PeriodXp) -> dict[str, Ranked]:
    held = Standing.of(standings[name]) if name in standings else Standing(0, 0)
    total = Standing(held.score + earned.xp, max(held.reached_at, earned.reached_at_us))
    return {**standings, name: total.ranked}
