"""Add one activity to a user's progress: streak, grants, levels, achievements, prestige, in this order. Pure.

The rules work on a mutable copy of the progress, and make one row of it at the end.
"""

from __future__ import annotations

from typing import NamedTuple

from agents.gamification import streaks, xp
from agents.gamification.achievements import Achievements
from agents.gamification.happenings import Happening
from agents.gamification.levels import level_of
from agents.gamification.policy import AchievementRule, GamificationPolicy
from agents.gamification.prestige import is_master, prestige_of, rank_of
from agents.gamification.xp import Activity
from agents.notices import notice
from streams.events import AnyEvent, EventData
from streams.events.gamification import (
    AchievementUnlocked,
    LevelUp,
    PrestigeLost,
    PrestigeReached,
    PrestigeTier,
    StreakKind,
    StreakUpdated,
    TradingMastered,
    XPGained,
    XPSource,
)
from streams.times import DAY_US
from streams.units import PPM
from tables.gamification import Progress, TradeTally, Unlocked


class Earned(NamedTuple):
    """What an activity earned, with the changed rows of its user and its trade.

    Attributes:
        xp: All XP of the activity.
        opens: Whether the activity is the first of its trade.
        streak_days: The days of the trading streak, if the activity began or continued it; else 0.
    """

    progress: Progress
    tally: TradeTally
    xp: int
    opens: bool
    streak_days: int


class Earning:
    """The rules by which activities earn."""

    def __init__(self, policy: GamificationPolicy) -> None:
        self._policy = policy
        self._achievements = Achievements(policy.achievements)
        self._new = Progress(max_leverage=policy.levels.leverage_at(1))
        self._trades_min = policy.prestige.tiers[0].trades

    def earn(
        self, progress: Progress | None, tally: TradeTally | None, activity: Activity, event: AnyEvent
    ) -> tuple[Earned, list[AnyEvent]]:
        """Return the user's progress and events after an activity."""
        policy, before = self._policy, tally or _NO_TALLY
        user = _User(progress or self._new, event, policy)
        days = user.be_active("trading", event.time // DAY_US) if activity.by_user else 1
        after, grants = xp.tallied(before, activity, policy.xp)
        if grants:
            multiplier = streaks.multiplier_ppm(days, policy.streak)
            for source, base in grants:
                user.gain(base * multiplier // PPM, multiplier, source, source)
        opens = activity.opens(before)
        user.count(activity, before, after, opens=opens)
        self._settle(user)
        streak_days = days if user.streaks is not user.before.streaks else 0
        return Earned(user.row(), after, user.xp - user.before.xp, opens, streak_days), user.events

    def happen(
        self, progress: Progress | None, happening: Happening, event: AnyEvent
    ) -> tuple[Progress, list[AnyEvent]]:
        """Return the user's progress and events after something other than a trade."""
        user = _User(progress or self._new, event, self._policy)
        if happening.streak is not None:
            user.be_active(happening.streak, event.time // DAY_US)
        user.gain(happening.xp, PPM, happening.source, happening.source)
        user.experience(happening)
        self._settle(user)
        return user.row(), user.events

    def _settle(self, user: _User) -> None:
        """Unlock the achievements that are due, and set the prestige of a user who may have one."""
        while self._achievements.due(user.unlocked, user):
            self._unlock(user)
        if user.trades >= self._trades_min or user.prestige is not None:
            user.rise(prestige_of(user, self._policy.prestige))
        if not user.mastered and is_master(user, self._policy.mastery):
            user.master()

    def _unlock(self, user: _User) -> None:
        """Unlock achievements in order. The XP of one may earn another, so this may be needed again."""
        for rule in self._achievements.locked(user.unlocked):
            if self._achievements.holds(rule, user):
                user.unlock(rule)


class _User:
    """A user's progress while one activity is counted, and the events so far."""

    __slots__ = (
        *("_event", "_policy", "achievements", "battle_wins", "before", "closes", "constellation", "events", "founded"),
        *(
            "largest_trade",
            "level",
            "mastered",
            "max_leverage",
            "pnl",
            "prestige",
            "social_rating_ppm",
            "ss",
            "streak_days",
        ),
        *("streaks", "trades", "unlocked", "updated_at", "volume", "wins", "xp"),
    )

    def __init__(self, before: Progress, event: AnyEvent, policy: GamificationPolicy) -> None:
        self.before, self._event, self._policy = before, event, policy
        self.events: list[AnyEvent] = []
        self.xp, self.level, self.max_leverage, self.ss = before.xp, before.level, before.max_leverage, before.ss
        self.trades, self.closes, self.wins = before.trades, before.closes, before.wins
        self.volume, self.pnl, self.largest_trade = before.volume, before.pnl, before.largest_trade
        self.updated_at = before.updated_at
        self.streaks = before.streaks
        trading = before.streaks.get("trading")
        self.streak_days = trading.days if trading else 0
        self.social_rating_ppm, self.constellation, self.founded = (
            before.social_rating_ppm,
            before.constellation,
            before.founded,
        )
        self.battle_wins, self.prestige = before.battle_wins, before.prestige
        self.mastered = before.mastered
        self.achievements = before.achievements
        self.unlocked = tuple([one.name for one in before.achievements])

    def row(self) -> Progress:
        """Return the progress as it is now."""
        return Progress(
            xp=self.xp,
            level=self.level,
            max_leverage=self.max_leverage,
            ss=self.ss,
            streaks=self.streaks,
            achievements=self.achievements,
            trades=self.trades,
            closes=self.closes,
            wins=self.wins,
            volume=self.volume,
            pnl=self.pnl,
            largest_trade=self.largest_trade,
            updated_at=self.updated_at,
            social_rating_ppm=self.social_rating_ppm,
            constellation=self.constellation,
            founded=self.founded,
            battle_wins=self.battle_wins,
            prestige=self.prestige,
            mastered=self.mastered,
        )

    def be_active(self, kind: StreakKind, day: int) -> int:
        """Add a day to a streak. Return the streak's days."""
        streak, action = streaks.active_on(self.streaks.get(kind), day)
        if action is not None:
            self.streaks = {**self.streaks, kind: streak}
            if kind == "trading":
                self.streak_days = streak.days
            self._emit(StreakUpdated(kind=kind, days=streak.days, best=streak.best, action=action), action)
        return streak.days

    def gain(self, amount: int, multiplier_ppm: int, source: XPSource, name: str) -> None:
        """Add XP, and a level up when the XP reach one."""
        if amount == 0:
            return
        self.xp += amount
        gained = XPGained(
            amount=amount,
            multiplier_ppm=multiplier_ppm,
            source=source,
            source_event_id=self._event.id,
            total_xp=self.xp,
        )
        self._emit(gained, name)
        levels = self._policy.levels
        old, new = self.level, level_of(self.xp, levels)
        if new > old:
            self.level, self.max_leverage = new, levels.leverage_at(new)
            risen = self._emit(LevelUp(old=old, new=new, max_leverage=self.max_leverage), str(new))
            leverage = str(self.max_leverage)
            self.events.append(notice(risen, "level_up", level=str(new), max_leverage=leverage))

    def count(self, activity: Activity, before: TradeTally, after: TradeTally, *, opens: bool) -> None:
        """Count the trade, its close, and its change to or from a win."""
        self.trades += opens
        self.closes += after.closing and not before.closing
        self.wins += after.winning - before.winning
        self.volume += activity.notional
        self.pnl += activity.pnl
        self.largest_trade = max(self.largest_trade, after.notional)
        self.updated_at = max(self.updated_at, int(self._event.time))

    def experience(self, happening: Happening) -> None:
        """Take over rating and membership, and count a battle that was won, and shards."""
        if happening.rating_ppm is not None:
            self.social_rating_ppm = happening.rating_ppm
        if happening.constellation is not None:
            self.constellation = happening.constellation or None
        self.founded = self.founded or happening.founded
        self.battle_wins += happening.battle_won
        self.ss += happening.shards
        self.updated_at = max(self.updated_at, int(self._event.time))

    def rise(self, tier: PrestigeTier | None) -> None:
        """Set the prestige, and tell of a rise or a fall."""
        if rank_of(tier) > rank_of(self.prestige) and tier is not None:
            self._emit(PrestigeReached(tier=tier), tier)
        elif tier != self.prestige:
            self._emit(PrestigeLost(tier=tier), tier or "")
        self.prestige = tier

    def master(self) -> None:
        """Tell once that the user is a master of trading."""
        self.mastered = True
        self._emit(TradingMastered(trades=self.trades, closes=self.closes, wins=self.wins), "")

    def unlock(self, rule: AchievementRule) -> None:
        """Unlock an achievement."""
        shards = rule.xp * self._policy.xp.ss_per_achievement_xp
        self.achievements = (*self.achievements, Unlocked(name=rule.name, at=int(self._event.time)))
        self.unlocked = (*self.unlocked, rule.name)
        self.ss += shards
        unlocked = AchievementUnlocked(achievement=rule.name, tier=rule.tier, xp=rule.xp, ss=shards)
        arguments = {"achievement": rule.name, "xp": str(rule.xp), "ss": str(shards)}
        self.events.append(notice(self._emit(unlocked, rule.name), "achievement", **arguments))
        self.gain(rule.xp, PPM, "achievement", rule.name)

    def _emit(self, data: EventData, name: str) -> AnyEvent:
        event = self._event.then(data, name=name)
        self.events.append(event)
        return event


_NO_TALLY = TradeTally()
