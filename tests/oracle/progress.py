"""A user's progress by trading: trades, wins, XP, streak, level, achievements, shards."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tests.oracle.fills import E8, Fill

XP_TRADE_LEAST = 10
XP_USD_EACH = 100 * E8
XP_CLOSE = 25
XP_WIN = 50
LEVEL_MOST = 100


@dataclass
class Trade:
    """One order, over all its fills so far."""

    notional: int = 0
    pnl: int = 0
    closing: bool = False
    win_granted: bool = False


@dataclass
class User:
    """All counts of one user."""

    xp: int = 0
    shards: int = 0
    streak: int = 0
    streak_best: int = 0
    last_day: date | None = None
    volume: int = 0
    pnl: int = 0
    trades: dict[str, Trade] = field(default_factory=dict)
    achievements: dict[str, datetime] = field(default_factory=dict)
    """Name to the time of the event that unlocked it, in the order of unlocking."""

    @property
    def level(self) -> int:
        return level_of(self.xp)

    @property
    def closes(self) -> int:
        return sum(trade.closing for trade in self.trades.values())

    @property
    def wins(self) -> int:
        return sum(trade.closing and trade.pnl > 0 for trade in self.trades.values())


def level_of(xp: int) -> int:
    """Return the highest level L that the XP allow: level L needs 100 XP times (L - 1)²."""
    level = 1
    while level < LEVEL_MOST and level * level * 100 <= xp:
        level += 1
    return level


def max_leverage(level: int) -> int:
    return min(10 + 5 * (level - 1), 100)


def trade_xp(notional: int) -> int:
    """Return the XP of a trade with this summed notional."""
    return max(XP_TRADE_LEAST, notional // XP_USD_EACH)


def multiplied(xp: int, streak: int) -> int:
    """Add 5% for each day of the streak after the first, up to twice the XP, rounded down."""
    return xp * min(200, 100 + 5 * (streak - 1)) // 100


def touch_streak(user: User, today: date) -> None:
    """Count a day of activity; a missed day restarts at 1, an older day changes nothing."""
    if user.last_day is not None and today <= user.last_day:
        return
    continued = user.last_day is not None and today - user.last_day == timedelta(days=1)
    user.streak = user.streak + 1 if continued else 1
    user.streak_best = max(user.streak_best, user.streak)
    user.last_day = today


def grants_of(trade: Trade, fill: Fill, *, is_new: bool) -> list[int]:
    """Add the fill to its trade and return its grants: growth, first close, first time in profit."""
    before = 0 if is_new else trade_xp(trade.notional)
    trade.notional += fill.notional
    trade.pnl += fill.pnl
    grants = [trade_xp(trade.notional) - before]
    if fill.closes and not trade.closing:
        trade.closing = True
        grants.append(XP_CLOSE)
    if trade.closing and trade.pnl > 0 and not trade.win_granted:
        trade.win_granted = True
        grants.append(XP_WIN)
    return grants


@dataclass(frozen=True)
class Achievement:
    """An achievement: its name, its XP and its condition."""

    name: str
    xp: int
    holds: Callable[[User], bool]


def _trades(count: int, xp: int) -> Achievement:
    return Achievement(f"trades:{count}", xp, lambda user: len(user.trades) >= count)


def _streak(days: int, xp: int) -> Achievement:
    return Achievement(f"streak:{days}", xp, lambda user: user.streak >= days)


def _level(level: int, xp: int) -> Achievement:
    return Achievement(f"level:{level}", xp, lambda user: user.level >= level)


ACHIEVEMENTS = (
    _trades(1, 50),
    _trades(10, 100),
    _trades(100, 500),
    _trades(1_000, 1_000),
    _trades(10_000, 2_500),
    Achievement("first-profit", 25, lambda user: user.wins >= 1),
    Achievement("big-trade", 1_000, lambda user: any(trade.notional >= 10_000 * E8 for trade in user.trades.values())),
    _streak(7, 300),
    _streak(30, 1_500),
    _streak(100, 5_000),
    _level(10, 200),
    _level(25, 750),
    _level(50, 2_500),
    _level(75, 5_000),
    _level(100, 10_000),
    Achievement("win-rate", 750, lambda user: user.closes >= 10 and user.wins * 10 >= user.closes * 7),
)
"""In the order of the rule book; those of the social domain cannot come from a fills file."""


def unlock(user: User, at: datetime) -> int:
    """Pass through the list until a pass unlocks nothing; return the XP of all unlocked achievements."""
    earned = 0
    while unlocked := [_grant(user, one, at) for one in ACHIEVEMENTS if one.name not in user.achievements]:
        if not any(unlocked):
            break
        earned += sum(unlocked)
    return earned


def _grant(user: User, achievement: Achievement, at: datetime) -> int:
    """Return the achievement's XP if its condition holds now, else 0. The XP count at once, even for the next one."""
    if not achievement.holds(user):
        return 0
    user.achievements[achievement.name] = at
    user.xp += achievement.xp
    user.shards += 2 * achievement.xp
    return achievement.xp


def apply_fill(user: User, fill: Fill) -> int:
    """Apply one fill in the order of the rules: streak, trade, grants, achievements. Return all XP that it brought."""
    touch_streak(user, fill.at.date())
    is_new = fill.trade not in user.trades
    trade = user.trades.setdefault(fill.trade, Trade())
    granted = sum(multiplied(grant, user.streak) for grant in grants_of(trade, fill, is_new=is_new))
    user.volume += fill.notional
    user.pnl += fill.pnl
    user.xp += granted
    return granted + unlock(user, fill.at)
