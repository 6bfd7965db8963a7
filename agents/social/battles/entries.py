"""The entry of a user in a battle: the user's partition counts the user's trades while the battle runs.

A user takes part in one battle at a time. Points go to the battle's partition now and then, and at the end.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from agents.deadlines import Deadlines
from agents.dispatch import Rules
from agents.notices import notice
from agents.social.battles.policy import BattlePolicy
from agents.social.battles.scores import Points, bounded
from streams.events import AnyEvent, Event, EventData
from streams.events.battle_steps import BattleEntered, EntryQueried, PointsReported
from streams.events.battles import BattleFought
from streams.events.clock import Ticked
from streams.events.trading import TradeClosed, TradeExecuted, TradeLiquidated
from streams.units import Usd
from tables.keys import SEPARATOR, trade_key
from tables.social_constellations import (
    SOCIAL_BATTLE_ENTRIES,
    SOCIAL_BATTLE_TRADES,
    BattleEntry,
    BattleTrade,
    DeadlineKind,
)
from tables.unit_of_work import UnitOfWork

NOTHING = Points(0, 0, 0, 0)


class Done(NamedTuple):
    """What an event of trading did to a trade."""

    trade_id: str
    pnl: int
    closing: bool


class Entries:
    """The entries of a partition's users."""

    def __init__(self, tables: UnitOfWork, policy: BattlePolicy, deadlines: Deadlines[DeadlineKind]) -> None:
        self._policy = policy
        self._deadlines = deadlines
        self.rows = tables.rows(SOCIAL_BATTLE_ENTRIES)
        self.trades = tables.rows(SOCIAL_BATTLE_TRADES)
        deadlines.on({"points": self._report, "entry": self._close})

    def rules(self) -> Rules:
        """Return the rules of battles and of trades."""
        return {
            BattleEntered: self._entered,
            EntryQueried: self._queried,
            BattleFought: self._fought,
            TradeExecuted: self._traded,
            TradeClosed: self._traded,
            TradeLiquidated: self._traded,
        }

    def _entered(self, event: Event[BattleEntered]) -> list[AnyEvent]:
        """Open an entry. A user with an entry in another battle gets none; the battle counts no trades of that user."""
        battle, user_id = event.data, event.partitionkey
        if self.rows.get(user_id) is not None:
            return [event.then(_report(user_id, NOTHING, final=True), key=battle.battle_id)]
        entry = BattleEntry(
            battle_id=battle.battle_id,
            constellation_id=battle.constellation_id,
            starts_at=int(battle.starts_at),
            ends_at=int(battle.ends_at),
        )
        self.rows.put(user_id, entry)
        self._deadlines.add("entry", user_id, battle.ends_at + self._policy.close_grace_us)
        arguments = {
            "battle_id": battle.battle_id,
            "opponent": battle.opponent,
            "starts_at": battle.starts_at.text(),
            "ends_at": battle.ends_at.text(),
        }
        return [notice(event, "battle_started", **arguments)]

    def _traded(self, event: AnyEvent) -> list[AnyEvent]:
        """Count a trade whose time lies within the battle."""
        user_id = event.partitionkey
        entry = self.rows.get(user_id)
        done = _done(event.data)
        if entry is None or done is None or not entry.starts_at <= event.time < entry.ends_at:
            return []
        key = trade_key(user_id, done.trade_id)
        before = self.trades.get(key)
        known = before or BattleTrade()
        after = BattleTrade(pnl=known.pnl + done.pnl, closing=known.closing or done.closing)
        self.trades.put(key, after)
        self._schedule(user_id, entry, int(event.time))
        counted = replace(
            entry,
            pnl=entry.pnl + done.pnl,
            closes=entry.closes + (after.closing and not known.closing),
            wins=entry.wins + after.winning - known.winning,
            trades=entry.trades + (before is None),
            reported=False,
        )
        self.rows.put(user_id, counted)
        return []

    def _schedule(self, user_id: str, entry: BattleEntry, at: int) -> None:
        if entry.reported:
            self._deadlines.add("points", user_id, at + self._policy.report_us)

    def _report(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        """Report the points of a running entry, unless they were reported."""
        entry = self.rows.get(subject)
        if entry is None or entry.reported:
            return []
        self.rows.put(subject, replace(entry, reported=True))
        return [tick.then(_report(subject, points_of(entry)), name=subject, key=entry.battle_id)]

    def _close(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        """Close an entry whose battle is over."""
        entry = self.rows.get(subject)
        if entry is None or tick.time < entry.ends_at + self._policy.close_grace_us:
            return []
        return [self._final(subject, entry, tick)]

    def _queried(self, event: Event[EntryQueried]) -> list[AnyEvent]:
        """Answer a battle that misses final points. An entry that is not open any more counts nothing."""
        user_id, battle_id = event.partitionkey, event.data.battle_id
        entry = self.rows.get(user_id)
        if entry is None or entry.battle_id != battle_id:
            return [event.then(_report(user_id, NOTHING, final=True), key=battle_id)]
        return [self._final(user_id, entry, event)]

    def _final(self, user_id: str, entry: BattleEntry, event: AnyEvent) -> AnyEvent:
        self.rows.delete(user_id)
        for key, _ in self.trades.prefix(f"{user_id}{SEPARATOR}"):
            self.trades.delete(key)
        return event.then(_report(user_id, points_of(entry), final=True), name=f"final|{user_id}", key=entry.battle_id)

    def _fought(self, event: Event[BattleFought]) -> list[AnyEvent]:
        fought = event.data
        result = "tied" if fought.won is None else "won" if fought.won else "lost"
        arguments = {"battle_id": fought.battle_id, "prize_ss": str(fought.prize_ss)}
        return [notice(event, "battle_result", f"battle_{result}", **arguments)]


def points_of(entry: BattleEntry) -> Points:
    """Return the points of an entry."""
    return Points(entry.pnl, entry.closes, entry.wins, entry.trades)


def _report(user_id: str, points: Points, *, final: bool = False) -> PointsReported:
    return PointsReported(
        user_id=user_id,
        pnl_usd=Usd(bounded(points.pnl)),
        closes=points.closes,
        wins=points.wins,
        trades=points.trades,
        final=final,
    )


def _done(data: EventData) -> Done | None:
    match data:
        case TradeExecuted():
            return Done(data.trade_id, data.closed_pnl_usd, data.closing)
        case TradeClosed() | TradeLiquidated():
            return Done(data.trade_id, data.pnl_usd, closing=True)
    return None
