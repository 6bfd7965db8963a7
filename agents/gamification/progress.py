"""Add one activity to a user's progress: streak, grants, levels, achievements, in this order. Pure functions."""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec.structs import replace

from agents.gamification import achievements, streaks, xp
from agents.gamification.levels import level_of
from agents.gamification.policy import AchievementRule, GamificationPolicy
from agents.gamification.xp import Activity, Source
from streams.events import AnyEvent, EventData
from streams.events.gamification import AchievementUnlocked, LevelUp, StreakUpdated, XPGained
from streams.units import PPM
from tables.gamification import Progress, TradeTally, Unlocked


class Earned(NamedTuple):
    """The state after an activity, and whether the activity was the first of its trade."""

    progress: Progress
    tally: TradeTally
    opens: bool


def new_progress(policy: GamificationPolicy) -> Progress:
    """Return the progress of a new user."""
    return Progress(max_leverage=policy.levels.leverage_at(1))


def earn(
    progress: Progress | None, tally: TradeTally | None, activity: Activity, event: AnyEvent, policy: GamificationPolicy
) -> tuple[Earned, list[AnyEvent]]:
    """Return the user's progress and events after an activity."""
    earning = _Earning(progress or new_progress(policy), event, policy)
    days = earning.streak() if activity.by_user else 1
    before = tally or TradeTally()
    after, grants = xp.tallied(before, activity, policy.xp)
    multiplier = streaks.multiplier_ppm(days, policy.streak)
    for grant in grants:
        earning.gain(grant.multiplied(multiplier), multiplier, grant.source, grant.source)
    opens = activity.opens(before)
    earning.count(activity, before, after, opens=opens)
    earning.unlock()
    return Earned(earning.progress, after, opens), earning.events


class _Earning:
    """The state while one activity is counted: progress and events so far."""

    def __init__(self, progress: Progress, event: AnyEvent, policy: GamificationPolicy) -> None:
        self.progress = progress
        self.events: list[AnyEvent] = []
        self._event = event
        self._policy = policy

    def streak(self) -> int:
        """Add the day to the trading streak. Return the streak's days."""
        streak, action = streaks.active_on(self.progress.streaks.get("trading"), self._event.time.day_number())
        if action is not None:
            self.progress = replace(self.progress, streaks={**self.progress.streaks, "trading": streak})
            self._emit(StreakUpdated(kind="trading", days=streak.days, best=streak.best, action=action), action)
        return streak.days

    def gain(self, amount: int, multiplier_ppm: int, source: Source | Literal["achievement"], name: str) -> None:
        """Add XP, and a level up when the XP reach one."""
        if amount == 0:
            return
        total = self.progress.xp + amount
        self.progress = replace(self.progress, xp=total)
        gained = XPGained(
            amount=amount,
            multiplier_ppm=multiplier_ppm,
            source=source,
            source_event_id=self._event.id,
            total_xp=total,
        )
        self._emit(gained, name)
        self._level()

    def _level(self) -> None:
        levels = self._policy.levels
        old, new = self.progress.level, level_of(self.progress.xp, levels)
        if new > old:
            leverage = levels.leverage_at(new)
            self.progress = replace(self.progress, level=new, max_leverage=leverage)
            self._emit(LevelUp(old=old, new=new, max_leverage=leverage), str(new))

    def count(self, activity: Activity, before: TradeTally, after: TradeTally, *, opens: bool) -> None:
        """Count the trade, its close, and its change to or from a win."""
        progress = self.progress
        self.progress = replace(
            progress,
            trades=progress.trades + opens,
            closes=progress.closes + (after.closing and not before.closing),
            wins=progress.wins + after.winning - before.winning,
            volume=progress.volume + activity.notional,
            pnl=progress.pnl + activity.pnl,
            largest_trade=max(progress.largest_trade, after.notional),
            updated_at=max(progress.updated_at, self._event.time),
        )

    def unlock(self) -> None:
        """Unlock achievements in order. Repeat until a pass unlocks none, because an achievement grants XP."""
        rules = self._policy.achievements
        while achievements.due(self.progress, rules):
            for rule in achievements.locked(self.progress, rules):
                if achievements.holds(rule, self.progress, rules):
                    self._unlock(rule)

    def _unlock(self, rule: AchievementRule) -> None:
        shards = rule.xp * self._policy.xp.ss_per_achievement_xp
        record = Unlocked(name=rule.name, at=self._event.time)
        self.progress = replace(
            self.progress, achievements=(*self.progress.achievements, record), ss=self.progress.ss + shards
        )
        self._emit(AchievementUnlocked(achievement=rule.name, tier=rule.tier, xp=rule.xp, ss=shards), rule.name)
        self.gain(rule.xp, PPM, "achievement", rule.name)

    def _emit(self, data: EventData, name: str) -> None:
        self.events.append(self._event.then(data, name=name))
