"""The gamification domain: take an event of trading, write rows, return events. Imports no Faust."""

from __future__ import annotations

from agents.facts import Facts
from agents.gamification.activity import activity_of
from agents.gamification.boards import Boards
from agents.gamification.lateness import Judged, judge
from agents.gamification.progress import Earning
from agents.gamification.xp import Activity
from agents.rulebook import Rulebook
from streams.events import AnyEvent
from streams.events.gamification import LateEventRecorded
from tables.boards import Period, periods_of
from tables.gamification import (
    GAMIFICATION_PROCESSED,
    GAMIFICATION_PROGRESS,
    GAMIFICATION_TRADES,
    GAMIFICATION_WATERMARK,
    WATERMARK_KEY,
    Watermark,
)
from tables.keys import trade_key
from tables.typed import OpenTable
from tables.unit_of_work import UnitOfWork


class Gamification:
    """The handlers of the gamification agent, over the domain's tables."""

    def __init__(self, open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool = False) -> None:
        self.policy = rulebook.gamification
        self._rules_version = rulebook.version
        self.tables = UnitOfWork(open_table)
        self._facts = Facts(self.tables, GAMIFICATION_PROCESSED, rulebook.repeats_days, at_least_once=at_least_once)
        self._earning = Earning(self.policy)
        self.progress = self.tables.rows(GAMIFICATION_PROGRESS)
        self.trades = self.tables.rows(GAMIFICATION_TRADES)
        self.boards = Boards(self.tables)
        self.watermarks = self.tables.rows(GAMIFICATION_WATERMARK)

    def traded(self, event: AnyEvent) -> list[AnyEvent]:
        """Count an event of trading, unless it is a repetition. Record one that may be a repetition as late."""
        activity = activity_of(event.data)
        if activity is None:
            return []
        verdict = self._facts.judge(event)
        event = event.under(self._rules_version)
        if verdict.kind == "too_late":
            return [_recorded(event, periods_of(event.time).listed, self.watermarks.get(WATERMARK_KEY) or Watermark())]
        if verdict.kind != "new":
            return []
        judged = judge(self.watermarks.get(WATERMARK_KEY), event.time, self.policy.boards)
        self.watermarks.put(WATERMARK_KEY, judged.watermark)
        late = [_recorded(event, judged.missed, judged.watermark)] if judged.missed else []
        return self._earn(event, activity, judged) + late

    def _earn(self, event: AnyEvent, activity: Activity, judged: Judged) -> list[AnyEvent]:
        user_id = event.partitionkey
        trade = trade_key(user_id, activity.trade_id)
        earned, events = self._earning.earn(self.progress.get(user_id), self.trades.get(trade), activity, event)
        self.progress.put(user_id, earned.progress)
        self.trades.put(trade, earned.tally)
        self.boards.count(user_id, activity, earned.xp, event.time, judged.open, opens=earned.opens)
        return events


def _recorded(event: AnyEvent, missed: tuple[Period, ...], watermark: Watermark) -> AnyEvent:
    recorded = LateEventRecorded(
        source_event_id=event.id,
        periods=tuple(period.text for period in missed),
        watermark_us=int(watermark.highest),
    )
    return event.then(recorded)
