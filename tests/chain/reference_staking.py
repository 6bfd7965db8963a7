"""What staking should do, in plain Python: every second of a stream is split by exact fractions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

STREAM_S: Final = 7 * 24 * 3600
EXIT_S: Final = 7 * 24 * 3600
DUST: Final = Fraction(1, 10**6)
"""More than the carry of the index can be, for stakes below 1e30 units."""


@dataclass
class Exit:
    amount: int = 0
    ready_at: int = 0


@dataclass
class StakingModel:
    """Who staked, earned and was paid what.

    Attributes:
        at: The time up to which rewards are earned.
        elapsed_s: The seconds of the stream that have passed while something was staked.
    """

    at: int
    stakes: Counter[int] = field(default_factory=Counter)
    exits: dict[int, Exit] = field(default_factory=dict)
    earned: dict[int, Fraction] = field(default_factory=dict)
    paid: Counter[int] = field(default_factory=Counter)
    amount: int = 0
    elapsed_s: int = STREAM_S
    waiting: int = 0
    arrived: int = 0
    funded: int = 0

    @property
    def total_staked(self) -> int:
        return self.stakes.total()

    @property
    def total_exiting(self) -> int:
        return sum(each.amount for each in self.exits.values())

    def earned_at(self, who: int, now: int) -> Fraction:
        """Return what an account has ever earned, without a change of anything."""
        before = self.earned.get(who, Fraction(0))
        if not self.total_staked:
            return before
        seconds = min(now - self.at, STREAM_S - self.elapsed_s)
        return before + Fraction(self.amount * seconds * self.stakes[who], STREAM_S * self.total_staked)

    def advance(self, now: int) -> None:
        """Let everyone earn until now, and begin the next stream after the end of one."""
        self.earned = {who: self.earned_at(who, now) for who in {*self.stakes, *self.earned}}
        if self.total_staked:
            self.elapsed_s = min(STREAM_S, self.elapsed_s + now - self.at)
        self.at = now
        if self.elapsed_s == STREAM_S and self.waiting:
            self.amount, self.waiting, self.elapsed_s = self.waiting, 0, 0

    def stake(self, who: int, amount: int, now: int) -> None:
        self.advance(now)
        self.stakes[who] += amount

    def unstake(self, who: int, amount: int, now: int) -> None:
        self.advance(now)
        self.stakes[who] -= amount
        before = self.exits.get(who, Exit()).amount
        self.exits[who] = Exit(before + amount, now + EXIT_S)

    def withdraw(self, who: int) -> int:
        return self.exits.pop(who).amount

    def collect(self, now: int) -> int:
        """Return what arrived."""
        amount, self.arrived = self.arrived, 0
        self.funded += amount
        self.waiting += amount
        self.advance(now)
        return amount

    def may_claim(self, who: int, amount: int, now: int) -> bool:
        """Return whether an account has just this to claim, which rounding makes at most one unit less than exact."""
        exact = self.earned_at(who, now) - self.paid[who]
        return exact - 1 - DUST < amount <= exact + DUST

    def claim(self, who: int, amount: int, now: int) -> None:
        self.advance(now)
        self.paid[who] += amount
