"""The standings of the leaderboards over their table.

A batch adds up the points of a user in a scope for the same periods first, and then reads and writes each row once.
"""

from __future__ import annotations

from agents.gamification.leaders import FirstOfPartition
from agents.gamification.policy import OvertakingRules
from agents.gamification.progress import Earned
from agents.gamification.standings import Sums, take_out
from agents.gamification.xp import Activity
from streams.times import Instant
from tables.boards import GLOBAL, ROW_OF_ONE_PERIOD, Period, Periods, Ranked, older_key, row_key
from tables.gamification import GAMIFICATION_BOARDS
from tables.unit_of_work import UnitOfWork


class Boards:
    """The boards of a partition's users."""

    def __init__(self, tables: UnitOfWork, rules: OvertakingRules, rows_max: int) -> None:
        self.rows = tables.ranked(GAMIFICATION_BOARDS)
        self.first = FirstOfPartition(tables, self.rows, rules, rows_max)
        tables.join(self)
        self._sums: dict[tuple[str, str], Sums] = {}
        """Points that are not yet in a row, by user and scope."""
        self._holding = False

    def count(self, user_id: str, activity: Activity, earned: Earned, at: Instant, periods: Periods) -> None:
        """Count an activity in the periods that are open to it.

        Args:
            user_id: The user.
            activity: The activity. A pnl of 0 counts as well, so that the user appears on the board.
            earned: What the activity earned.
            at: The time of the activity.
            periods: The open periods.
        """
        time, notional, pnl = int(at), int(activity.notional), int(activity.pnl)
        everywhere, in_market = self._sum(user_id, GLOBAL, periods), self._sum(user_id, activity.market, periods)
        if earned.xp > 0:
            everywhere.add("xp", earned.xp, time)
        if notional > 0:
            everywhere.add("volume", notional, time)
            in_market.add("volume", notional, time)
        if activity.closing:
            everywhere.add("pnl", pnl, time)
            in_market.add("pnl", pnl, time)
        if earned.opens:
            everywhere.add("trades", 1, time)
        if earned.streak_days:
            everywhere.reach(earned.streak_days, time)
        if not self._holding:
            self.write()

    def count_xp(self, user_id: str, xp: int, at: Instant, periods: Periods) -> None:
        """Count XP that no trade earned, in the periods that are open to it."""
        self._sum(user_id, GLOBAL, periods).add("xp", xp, int(at))
        if not self._holding:
            self.write()

    def _sum(self, user_id: str, scope: str, periods: Periods) -> Sums:
        place = user_id, scope
        sums = self._sums.get(place)
        if sums is None or sums.periods is not periods:
            if sums is not None:
                self._settle(user_id, scope, sums)
            sums = self._sums[place] = Sums(periods)
        return sums

    def _settle(self, user_id: str, scope: str, sums: Sums) -> None:
        """Add the points to the rows. A batch owns the rows that it reads, so they change in place."""
        if not sums.boards:
            return
        key, periods = row_key(scope, user_id), sums.periods
        newest = self.rows.get(key) or {}
        over: dict[str, dict[str, Ranked]] = {}
        if not newest.keys() <= periods.all_names:
            over, older = take_out(newest, periods)
            for period, standings in over.items():
                self.rows.put(older_key(scope, period, user_id), standings)
            if older:
                periods = periods.without(older)
                for each in older:
                    self._add_older(older_key(scope, each.text, user_id), sums, each)
        if sums.add_to(newest, periods.names, periods.listed) or over:
            self.rows.put(key, newest)
            if scope == GLOBAL:
                self.first.offer(user_id, sums.boards, newest, periods)

    def _add_older(self, key: str, sums: Sums, period: Period) -> None:
        standings = self.rows.get(key) or {}
        if sums.add_to(standings, ROW_OF_ONE_PERIOD, (period,)):
            self.rows.put(key, standings)

    def begin(self) -> None:
        """Start to add up points in memory."""
        self._holding = True

    def write(self) -> None:
        """Write the standings."""
        for (user_id, scope), sums in self._sums.items():
            self._settle(user_id, scope, sums)
        self.drop()

    def drop(self) -> None:
        """Drop the points that were added up."""
        self._sums = {}
        self._holding = False
