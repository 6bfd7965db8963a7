"""Events of gamification: XP, levels, streaks and achievements. They follow from trading; clients send none of them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec

from streams.events.base import EventData, Name

Count = Annotated[int, msgspec.Meta(ge=0)]
StreakKind = Literal["trading", "login", "social"]


class XPGained(EventData, frozen=True, kw_only=True):
    """XP was granted. `source` is trade, close, win or achievement; `amount` is after the multiplier."""

    domain: ClassVar[str] = "gamification"

    amount: Annotated[int, msgspec.Meta(gt=0)]
    multiplier_ppm: Count
    source: Literal["trade", "close", "win", "achievement"]
    source_event_id: str
    total_xp: Count


class LevelUp(EventData, frozen=True, kw_only=True):
    """A level was reached, and with it a maximum leverage."""

    domain: ClassVar[str] = "gamification"

    old: Count
    new: Count
    max_leverage: Count


class StreakUpdated(EventData, frozen=True, kw_only=True):
    """A day was added to a streak, or it began again after missed days."""

    domain: ClassVar[str] = "gamification"

    kind: StreakKind
    days: Count
    best: Count
    action: Literal["started", "continued", "broken"]


class AchievementUnlocked(EventData, frozen=True, kw_only=True):
    """A user unlocked an achievement, once at most. `tier` counts from 1 within its kind; `ss` is stellar shards."""

    domain: ClassVar[str] = "gamification"

    achievement: Name
    tier: Annotated[int, msgspec.Meta(ge=1)]
    xp: Count
    ss: Count


class LateEventRecorded(EventData, frozen=True, kw_only=True):
    """An event came after some of its periods were sealed. It does not count in those."""

    domain: ClassVar[str] = "gamification"

    source_event_id: str
    periods: tuple[str, ...]
    watermark_us: Count
