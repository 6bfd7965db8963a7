"""The gamification domain: take an event, write rows, return events. Imports no Faust."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from agents.deadlines import Deadlines
from agents.dispatch import Dispatch, Rule
from agents.facts import Facts
from agents.gamification.activity import activity_of
from agents.gamification.boards import Boards
from agents.gamification.breaking import BreakingStreaks
from agents.gamification.constellations import Totals
from agents.gamification.deciding import Decider
from agents.gamification.happenings import HAPPENINGS, Happening, happening_of
from agents.gamification.lateness import Judged, judge
from agents.gamification.leaving import LOOKS_A_TICK, Tallies, sweeps
from agents.gamification.overtaking import Overtaking
from agents.gamification.progress import Earned, Earning
from agents.gamification.rewards import RewardBook
from agents.gamification.sealing import Sealer, sealed_to
from agents.gamification.shares import Shares
from agents.gamification.windows import UserWindows
from agents.gamification.xp import Activity
from agents.leaving import first_mark
from agents.rulebook import Rulebook
from streams.events import AnyEvent, Event, EventData
from streams.events.clock import Ticked
from streams.events.constellation_steps import ContributionReceived
from streams.events.gamification import (
    ClaimReward,
    ConstellationScored,
    LateEventRecorded,
    LeaderboardSealed,
    LeadersReported,
    Overtaken,
    PartitionSealed,
    PoolDecided,
    RewardClaimed,
    RewardDecided,
)
from streams.times import DAY_US
from tables.boards import Period, Periods, periods_of
from tables.gamification import (
    GAMIFICATION_DEADLINES,
    GAMIFICATION_PROCESSED,
    GAMIFICATION_PROGRESS,
    GAMIFICATION_WATERMARK,
    DeadlineKind,
    Progress,
)
from tables.keys import trade_key
from tables.typed import OpenTable
from tables.unit_of_work import UnitOfWork
from tables.watermark import WATERMARK_KEY, Watermark
from tables.windows import Interval


class _Counts(NamedTuple):
    """Where an event counts: the periods of the boards, None when it counts nowhere; the intervals of windows.

    Attributes:
        late: The record of a late event.
        today: The day of the watermark after the event.
    """

    periods: Periods | None
    intervals: tuple[Interval, ...]
    late: list[AnyEvent]
    today: int = 0


_NOWHERE: Final = _Counts(None, (), [])


class Gamification:
    """The handlers of the gamification agent, over the domain's tables."""

    def __init__(self, open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool = False) -> None:
        self.policy = rulebook.gamification
        self._rules_version = rulebook.version
        self.tables = UnitOfWork(open_table)
        self._facts = Facts(self.tables, GAMIFICATION_PROCESSED, rulebook.repeats_days, at_least_once=at_least_once)
        self._earning = Earning(self.policy)
        self.progress = self.tables.rows(GAMIFICATION_PROGRESS)
        self.boards = Boards(self.tables, self.policy.overtaking, self.policy.boards.seal_rows_max)
        self.watermarks = self.tables.rows(GAMIFICATION_WATERMARK)
        self.windows = UserWindows(self.tables, self.watermarks, rulebook.late_grace_h, rulebook.windows)
        kept_days = rulebook.rows.kept_days
        self.trades = Tallies(self.tables, kept_days)
        self._sweeps = sweeps(self.watermarks, self.boards.rows, self.windows.days, self.trades, kept_days)
        self._first_mark = first_mark((sweep.name for sweep in self._sweeps), kept_days)
        self._sealer = Sealer(self.tables, self.boards.rows, self.policy.boards, self.policy.rewards)
        decider = Decider(self.tables, self.policy.rewards)
        self._deadlines: Deadlines[DeadlineKind] = Deadlines(
            self.tables.rows(GAMIFICATION_DEADLINES), rulebook.deadlines_per_tick_max
        )
        self._rewards = RewardBook(self.tables, self.policy.rewards, self._deadlines)
        self._streaks = BreakingStreaks(self._deadlines, self.progress, self.policy.streak)
        self._totals = Totals(self.tables, self.boards.rows, self.watermarks, self.policy.boards)
        shares = Shares(self.tables, self.watermarks, self.policy.rewards, self.policy.boards)
        overtaking = Overtaking(self.tables, self.policy.overtaking)
        rules: dict[type[EventData], Rule] = {
            **dict.fromkeys(HAPPENINGS, self._happened),
            Ticked: self._ticked,
            LeaderboardSealed: decider.part_sealed,
            PartitionSealed: decider.partition_sealed,
            RewardDecided: self._rewards.grant,
            LeadersReported: overtaking.reported,
            Overtaken: overtaking.overtaken,
            ConstellationScored: self._totals.scored,
            ContributionReceived: shares.contributed,
            PoolDecided: shares.divide,
            ClaimReward: self._claimed,
        }
        self.handle = Dispatch(rules, self._facts, rulebook.version)

    def traded_together(self, events: Sequence[AnyEvent]) -> list[AnyEvent]:
        """Count events of trading, except for repetitions. Record an event that may be a repetition as late.

        Each step runs over all events before the next begins.
        """
        version = self._rules_version
        activities = [
            (event.under(version), found) for event in events if (found := activity_of(event.data)) is not None
        ]
        judged = [self._judge(event) for event, _ in activities]
        effects: list[AnyEvent] = []
        earned = []
        for (event, activity), (periods, intervals, late, today) in zip(activities, judged, strict=True):
            if periods is not None:
                one, gained = self._earn(event, activity, today)
                earned.append((event, activity, one, periods))
                self.windows.traded(event, activity, one, gained, intervals)
                effects += gained
            effects += late
        for event, activity, one, periods in earned:
            if one.xp and one.progress.constellation is not None:
                self._totals.earn(one.progress.constellation, one.xp, event.time, periods)
            self.boards.count(event.partitionkey, activity, one, event.time, periods)
        return effects

    def _happened(self, event: AnyEvent) -> list[AnyEvent]:
        """Count an event of another domain than trading: streak, XP, achievements.

        Only an event that scores on a board moves the watermark. So a sign-in makes no replayed fill late.
        """
        happening = happening_of(event.data, self.policy)
        return self._count(event, happening) if happening is not None else []

    def _claimed(self, event: Event[ClaimReward]) -> list[AnyEvent]:
        """Give a user a reward, and count its shards as earned."""
        effects = self._rewards.claim(event)
        shards = sum(one.data.ss for one in effects if isinstance(one.data, RewardClaimed))
        return [*effects, *self._count(event, Happening(shards=shards))] if shards else effects

    def _count(self, event: AnyEvent, happening: Happening) -> list[AnyEvent]:
        """Change a user's progress, and count the XP that this earned."""
        user_id = event.partitionkey
        before = self.progress.get(user_id)
        after, effects = self._earning.happen(before, happening, event)
        self._advance(user_id, before, after)
        xp = after.xp - (before.xp if before else 0)
        judged = self._pass(event) if xp else None
        if judged is not None or happening.streak is not None:
            watermark = judged.watermark if judged is not None else self._watermark()
            intervals = self.windows.open(event.time, watermark.highest)
            self.windows.happened(event, happening, after, effects, intervals)
        if judged is None:
            return effects
        self.boards.count_xp(user_id, xp, event.time, judged.open)
        if after.constellation is not None:
            self._totals.earn(after.constellation, xp, event.time, judged.open)
        return [*effects, _recorded(event, judged.missed, judged.watermark)] if judged.missed else effects

    def _ticked(self, tick: Event[Ticked]) -> list[AnyEvent]:
        """Advance the watermark, seal periods, handle deadlines, report first places and publish XP of constellations.

        Let old rows leave, after the sealing of their periods.

        The row of the watermark changes once a day, not at every tick: only the sealed days depend on it.
        """
        rules, watermark = self.policy.boards, self._watermark()
        until = sealed_to(max(watermark.highest, tick.time), rules)
        if until > sealed_to(watermark.highest, rules):
            self.watermarks.put(WATERMARK_KEY, replace(watermark, highest=int(tick.time)))
        effects = [
            *self._sealer.step(tick, until),
            *self._deadlines.act(tick),
            *self.boards.first.report(tick),
            *self._totals.publish(tick),
        ]
        highest = self._watermark().highest
        for sweep in self._sweeps:
            sweep.step(highest, LOOKS_A_TICK)
        return effects

    def _watermark(self) -> Watermark:
        return self.watermarks.get(WATERMARK_KEY) or self._first_mark

    def _pass(self, event: AnyEvent) -> Judged:
        """Move the watermark on to an event, and judge whether it is late."""
        judged = judge(self._watermark(), event.time, self.policy.boards)
        self.watermarks.put(WATERMARK_KEY, judged.watermark)
        return judged

    def _judge(self, event: AnyEvent) -> _Counts:
        """Return where an event counts, and its record if it is late."""
        verdict = self._facts.judge(event)
        if verdict.kind == "too_late":
            watermark = self._watermark()
            return _Counts(None, (), [_recorded(event, periods_of(event.time).listed, watermark)])
        if verdict.kind != "new":
            return _NOWHERE
        judged = self._pass(event)
        late = [_recorded(event, judged.missed, judged.watermark)] if judged.missed else []
        highest = judged.watermark.highest
        return _Counts(judged.open, self.windows.open(event.time, highest), late, highest // DAY_US)

    def _advance(self, user_id: str, before: Progress | None, after: Progress) -> None:
        """Store a user's progress, and watch the streaks that moved."""
        self.progress.put(user_id, after)
        streaks = before.streaks if before is not None else {}
        if after.streaks is not streaks:
            self._streaks.moved(user_id, streaks, after.streaks)

    def _earn(self, event: AnyEvent, activity: Activity, today: int) -> tuple[Earned, list[AnyEvent]]:
        user_id = event.partitionkey
        trade = trade_key(user_id, activity.trade_id)
        before = self.progress.get(user_id)
        earned, events = self._earning.earn(before, self.trades.get(trade, today), activity, event)
        self._advance(user_id, before, earned.progress)
        self.trades.put(trade, earned.tally, today)
        return earned, events


def _recorded(event: AnyEvent, missed: tuple[Period, ...], watermark: Watermark) -> AnyEvent:
    recorded = LateEventRecorded(
        source_event_id=event.id,
        periods=tuple(period.text for period in missed),
        watermark_us=int(watermark.highest),
    )
    return event.then(recorded)
