"""Rank constellations by the XP that their members earn.

The members are spread over the partitions, and the total of a constellation is one row in the constellation's own
partition. So each partition adds up what its members earn, and publishes the sums at the next tick
(`ConstellationScored`). XP count for the constellation that the user is a member of when they are earned.
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
    GAMIFICATION_PENDING_XP,
    PendingXp,
    XpSum,
)
from tables.typed import RankedTable, TypedTable
from tables.unit_of_work import UnitOfWork
from tables.watermark import WATERMARK_KEY, Watermark


class Totals:
    """The XP that members in a partition earn, and the totals of the constellations whose keys are in it."""

    def __init__(
        self, tables: UnitOfWork, boards: RankedTable, watermarks: TypedTable[Watermark], rules: BoardRules
    ) -> None:
        self._boards = boards
        self._rules = rules
        self._pending = tables.rows(GAMIFICATION_PENDING_XP)
        self._watermarks = watermarks

    def earn(self, constellation_id: str, xp: int, at: int, periods: Periods) -> None:
        """Add the XP of a member to the sums of the periods that are open to them."""
        sums = dict((self._pending.get(constellation_id) or PendingXp()).periods)
        for period in periods.listed:
            before = sums.get(period.text) or XpSum(xp=0, reached_at=0)
            sums[period.text] = XpSum(xp=before.xp + xp, reached_at=max(before.reached_at, at))
        self._pending.put(constellation_id, PendingXp(periods=sums))

    def publish(self, tick: Event[Ticked]) -> list[AnyEvent]:
        """Publish the pending XP of constellations. Those beyond the bound of a tick wait for the next."""
        effects: list[AnyEvent] = []
        for constellation_id, pending in list(islice(self._pending.range(""), self._rules.seal_rows_max)):
            self._pending.delete(constellation_id)
            periods = tuple(
                PeriodXp(period=period, xp=one.xp, reached_at_us=one.reached_at)
                for period, one in pending.periods.items()
            )
            number = tick.data.partition
            scored = ConstellationScored(partition=number, periods=periods)
            effects.append(tick.then(scored, key=constellation_id, name=f"{number}|{constellation_id}"))
        return effects

    def scored(self, event: Event[ConstellationScored]) -> list[AnyEvent]:
        """Add published XP to the totals of a constellation, except in periods that its partition has sealed."""
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
