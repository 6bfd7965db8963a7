"""A player: XP, level, streaks, trades, achievements and shards of one user (domain.md sections 4, 6 and 14)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from tests.community.oracle.achievements import LISTED, Achievement, is_master, prestige_of
from tests.community.oracle.streaks import Streak, be_active
from tests.community.oracle.times import day_of
from tests.oracle.fills import E8
from tests.oracle.progress import XP_CLOSE, XP_WIN, level_of, max_leverage, multiplied, trade_xp

SHARDS_EACH_XP: Final = 2
SOCIAL_XP: Final = {"like": 2, "comment": 5, "share": 10, "follow": 3, "endorse": 10, "report": 0}
JOIN_XP: Final = 20
DEPOSIT_LEAST: Final = 1_000 * E8
DEPOSIT_USD_EACH: Final = 10 * E8
DEPOSIT_XP_MOST: Final = 500


@dataclass(slots=True)
class Tally:
    """One trade over all its fills: what it earned so far before the multiplier, and whether it closed and won."""

    notional: int = 0
    pnl: int = 0
    granted: int = 0
    closing: bool = False
    won: bool = False
    day: int = 0
    causes: set[str] = field(default_factory=set)

    @property
    def wins(self) -> bool:
        """Return whether the trade is a win now."""
        return self.closing and self.pnl > 0

    def row(self) -> dict[str, Any]:
        """Return the trade as a row shows it."""
        return {
            "notional": self.notional,
            "pnl": self.pnl,
            "granted": self.granted,
            "closing": self.closing,
            "won": self.won,
        }


@dataclass(slots=True)
class Player:
    """All counts of one user. `unlocked` has the achievements and the times of the events that unlocked them."""

    xp: int = 0
    shards: int = 0
    streaks: dict[str, Streak] = field(default_factory=dict)
    unlocked: dict[str, int] = field(default_factory=dict)
    trades: int = 0
    closes: int = 0
    wins: int = 0
    volume: int = 0
    pnl: int = 0
    largest_trade: int = 0
    updated_at: int = 0
    rating_ppm: int | None = None
    constellation: str | None = None
    founded: bool = False
    battle_wins: int = 0
    prestige: str | None = None
    mastered: bool = False
    risen: list[int] = field(default_factory=list)
    """The levels that the event at hand has reached, one for each gain of XP that reached any."""
    tallies: dict[str, Tally] = field(default_factory=dict)
    causes: set[str] = field(default_factory=set)

    @property
    def level(self) -> int:
        """Return the level."""
        return level_of(self.xp)

    def streak_days(self, kind: str) -> int:
        """Return the days of a streak."""
        return self.streaks[kind].days if kind in self.streaks else 0

    def gain(self, xp: int) -> None:
        """Add XP, and note the level that they reach."""
        level = self.level
        self.xp += xp
        if self.level > level:
            self.risen.append(self.level)

    def take_risen(self) -> list[int]:
        """Return the levels that were reached since the last call."""
        risen, self.risen = self.risen, []
        return risen

    def be_active(self, kind: str, at: int) -> None:
        """Count a day of activity of a kind."""
        self.streaks[kind] = be_active(self.streaks.get(kind), day_of(at))

    def trade(
        self, trade: str, *, notional: int, pnl: int, closes: bool, by_user: bool, today: int = 0, kept_days: int = 0
    ) -> bool:
        """Add a fill, a close or a liquidation to a trade, and grant its XP. Return whether it was the first fill.

        A trade that has not changed for the kept days begins anew.
        """
        tally = self.tallies.setdefault(trade, Tally())
        if kept_days and 0 < tally.day <= today - kept_days:
            tally = self.tallies[trade] = Tally(causes=tally.causes)
        tally.day = today
        first, won = notional > 0 and tally.notional == 0, tally.wins
        tally.notional, tally.pnl = tally.notional + notional, tally.pnl + pnl
        grants = []
        if by_user and tally.notional:
            grants.append(trade_xp(tally.notional) - tally.granted)
            tally.granted = trade_xp(tally.notional)
        if closes and not tally.closing:
            tally.closing = True
            self.closes += 1
            grants.append(XP_CLOSE)
        if tally.wins and not tally.won:
            tally.won = True
            grants.append(XP_WIN)
        if by_user:
            for grant in grants:
                self.gain(multiplied(grant, self.streak_days("trading")))
        self.trades += first
        self.wins += tally.wins - won
        self.volume, self.pnl = self.volume + notional, self.pnl + pnl
        self.largest_trade = max(self.largest_trade, tally.notional)
        return first

    def settle(self, at: int) -> list[Achievement]:
        """Unlock what is due, again and again until nothing is, then judge prestige and mastery."""
        unlocked: list[Achievement] = []
        while due := self._unlock_once(at):
            unlocked += due
        self.prestige = prestige_of(self)
        self.updated_at = max(self.updated_at, at)
        return unlocked

    def _unlock_once(self, at: int) -> list[Achievement]:
        found = []
        for one in LISTED:
            if one.name not in self.unlocked and one.holds(self):
                self.unlocked[one.name] = at
                self.gain(one.xp)
                self.shards += SHARDS_EACH_XP * one.xp
                found.append(one)
        return found

    def becomes_master(self) -> bool:
        """Return whether the player is a trading master for the first time."""
        if self.mastered or not is_master(self):
            return False
        self.mastered = True
        return True

    def row(self) -> dict[str, Any]:
        """Return the player as a row shows it."""
        return {
            "xp": self.xp,
            "level": self.level,
            "max_leverage": max_leverage(self.level),
            "ss": self.shards,
            "streaks": {kind: streak.row() for kind, streak in self.streaks.items()},
            "achievements": [{"name": name, "at": at} for name, at in self.unlocked.items()],
            "trades": self.trades,
            "closes": self.closes,
            "wins": self.wins,
            "volume": self.volume,
            "pnl": self.pnl,
            "largest_trade": self.largest_trade,
            "updated_at": self.updated_at,
            "social_rating_ppm": self.rating_ppm,
            "constellation": self.constellation,
            "founded": self.founded,
            "battle_wins": self.battle_wins,
            "prestige": self.prestige,
            "mastered": self.mastered,
        }


def deposit_xp(amount: int) -> int:
    """Return the XP of a deposit in 1e-8 USD: 1 for each 10 USD, at most 500, and none below 1,000 USD."""
    return 0 if amount < DEPOSIT_LEAST else min(amount // DEPOSIT_USD_EACH, DEPOSIT_XP_MOST)
