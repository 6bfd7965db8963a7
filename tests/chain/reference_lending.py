"""What the lending pool and its oracle should do, in plain Python: exact fractions, rounded where the page says so.

Amounts are units of the asset or of the collateral. A call that the contract refuses raises `Refused` with the text of
the panic. Its caller then drops the model and keeps a copy from before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Final

RAY: Final = 10**27
YEAR_S: Final = 365 * 24 * 3600
KINK, RATE_AT_KINK, RATE_MAX = Fraction(4, 5), Fraction(4, 100), Fraction(60, 100)
RESERVE_PART: Final = Fraction(10, 100)
INDEX_MAX: Final = 10**6
SEED: Final = 1000
SHARES_PER_UNIT: Final = 10**6
FRESH_S: Final = 60
MINUTE_S: Final = 60
PRICE_SCALE: Final = 10**36
BURNT: Final = 0
"""The holder of the burnt shares."""


class Refused(Exception):
    """The contract panics with this text."""


def check(holds: bool, reason: str) -> None:
    if not holds:
        raise Refused(reason)


def up(number: Fraction) -> Fraction:
    """Round up to a multiple of 10^-27."""
    return Fraction(ceil(number * RAY), RAY)


@dataclass
class OracleModel:
    """The price, those that were in force, each since a time of a block, and the one that is held back since a time."""

    price: int
    observed_at: int
    held: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self.reported_at = self.observed_at
        self.in_force = [(self.observed_at, self.price)]

    def recent(self, now: int) -> list[tuple[int, int]]:
        """Return the prices that were in force in this minute or in the one before."""
        begin = (now // MINUTE_S - 1) * MINUTE_S
        ends = [since for since, _ in self.in_force[1:]] + [now]
        return [each for each, end in zip(self.in_force, ends, strict=True) if end >= begin]

    def report(self, now: int, price: int, observed_at: int) -> str:
        """Take a report and return the name of its event; nothing when there is none."""
        check(observed_at <= now, "PriceOracle: of the future")
        check(now - observed_at <= FRESH_S, "PriceOracle: too old")
        check(observed_at > self.reported_at, "PriceOracle: not newer")
        self.reported_at = observed_at
        recent = self.recent(now)
        if all(near(price, each) for _, each in recent):
            self.in_force = [*recent, (now, price)]
        elif self.held is None or not near(price, self.held[0]):
            self.held = price, now
            return "PriceHeld"
        elif now - self.held[1] < MINUTE_S:
            return ""
        else:
            self.in_force = [(now, self.held[0]), (now, price)]
        self.price, self.observed_at, self.held = price, observed_at, None
        return "PriceUpdated"

    def fresh(self, now: int) -> int:
        check(self.held is None, "PriceOracle: price is held back")
        check(now <= self.observed_at + FRESH_S, "LendingPool: price is stale")
        return self.price


def near(price: int, other: int) -> bool:
    return abs(Fraction(price, other) - 1) <= Fraction(10, 100)


@dataclass(frozen=True)
class Terms:
    """How much debt collateral carries: parts of its value, and what a liquidator gets for a payment of one."""

    loan_to_value: Fraction = Fraction(75, 100)
    liquidation: Fraction = Fraction(80, 100)
    seized: Fraction = Fraction(105, 100)


@dataclass
class PoolModel:
    """Who owns and who owes what."""

    oracle: OracleModel
    supply_cap: int
    borrow_cap: int
    min_debt: int
    now: int
    terms: Terms = Terms()
    paused: bool = False
    cash: int = 0
    index: Fraction = Fraction(1)
    reserves: Fraction = Fraction(0)
    bad_debt: Fraction = Fraction(0)
    shares: dict[int, int] = field(default_factory=dict)
    scaled: dict[int, int] = field(default_factory=dict)
    collateral: dict[int, int] = field(default_factory=dict)

    @property
    def total_shares(self) -> int:
        return sum(self.shares.values())

    @property
    def exact_debt(self) -> Fraction:
        return sum(self.scaled.values()) * self.index

    @property
    def exact_assets(self) -> Fraction:
        return self.cash + self.exact_debt - self.reserves

    @property
    def assets(self) -> int:
        return floor(self.exact_assets)

    def claim(self, who: int) -> int:
        return self.shares.get(who, 0) * self.assets // (self.total_shares or 1)

    def debt(self, who: int) -> int:
        return ceil(self.scaled.get(who, 0) * self.index)

    def value(self, who: int, price: int) -> int:
        return self.collateral.get(who, 0) * price // PRICE_SCALE

    def rate(self) -> Fraction:
        """Return the interest of a year."""
        if not self.exact_debt:
            return Fraction(0)
        lent = min(Fraction(1), up(self.exact_debt / self.exact_assets)) if self.exact_assets > 0 else Fraction(1)
        if lent <= KINK:
            return up(lent / KINK * RATE_AT_KINK)
        return RATE_AT_KINK + up((lent - KINK) / (1 - KINK) * (RATE_MAX - RATE_AT_KINK))

    def accrue(self, now: int) -> None:
        """Add the interest up to a time."""
        before, debt = self.index, self.exact_debt
        self.index = min(before + up(before * self.rate() * (now - self.now) / YEAR_S), Fraction(INDEX_MAX))
        self.reserves += up((self.exact_debt - debt) * RESERVE_PART)
        self.now = now

    def supply(self, now: int, who: int, amount: int) -> int:
        check(not self.paused, "Pausable: paused")
        check(amount > 0, "LendingPool: amount is zero")
        self.accrue(now)
        if not self.shares:
            check(amount > SEED, "LendingPool: below the seed")
            self.shares[BURNT] = SEED * SHARES_PER_UNIT
            minted = (amount - SEED) * SHARES_PER_UNIT
        else:
            check(self.assets > 0, "LendingPool: nothing is left")
            minted = amount * self.total_shares // self.assets
            check(minted > 0, "LendingPool: mints no share")
        self.shares[who] = self.shares.get(who, 0) + minted
        self.cash += amount
        check(self.assets <= self.supply_cap, "LendingPool: supply cap")
        return minted

    def withdraw(self, now: int, who: int, amount: int) -> int:
        check(amount > 0, "LendingPool: amount is zero")
        self.accrue(now)
        check(self.assets > 0, "LendingPool: nothing is left")
        burnt = ceil(Fraction(amount * self.total_shares, self.assets))
        self._pay(who, amount, burnt)
        return burnt

    def redeem(self, now: int, who: int, shares: int) -> int:
        self.accrue(now)
        amount = shares * self.assets // self.total_shares if self.total_shares else 0
        check(amount > 0, "LendingPool: amount is zero")
        self._pay(who, amount, shares)
        return amount

    def _pay(self, who: int, amount: int, shares: int) -> None:
        check(shares <= self.shares.get(who, 0), "LendingPool: not enough shares")
        check(amount <= self.cash, "LendingPool: not enough cash")
        self.shares[who] -= shares
        self.cash -= amount

    def deposit_collateral(self, now: int, who: int, amount: int) -> int:
        del now  # adds no interest
        check(amount > 0, "LendingPool: amount is zero")
        self.collateral[who] = self.collateral.get(who, 0) + amount
        return amount

    def withdraw_collateral(self, now: int, who: int, amount: int) -> int:
        check(amount > 0, "LendingPool: amount is zero")
        self.accrue(now)
        check(amount <= self.collateral.get(who, 0), "LendingPool: too little held")
        self.collateral[who] -= amount
        self._check_covered(who)
        return amount

    def borrow(self, now: int, who: int, amount: int) -> int:
        check(not self.paused, "Pausable: paused")
        check(amount > 0, "LendingPool: amount is zero")
        self.accrue(now)
        check(amount + ceil(self.reserves) <= self.cash, "LendingPool: not enough cash")
        self.scaled[who] = self.scaled.get(who, 0) + ceil(amount / self.index)
        self.cash -= amount
        check(ceil(self.exact_debt) <= self.borrow_cap, "LendingPool: borrow cap")
        self._check_no_dust(who)
        self._check_covered(who)
        return self.debt(who)

    def repay(self, now: int, who: int, amount: int) -> int:
        check(amount > 0, "LendingPool: amount is zero")
        self.accrue(now)
        return self._repay(who, amount)

    def _repay(self, who: int, amount: int) -> int:
        scaled = self.scaled.get(who, 0)
        check(scaled > 0, "LendingPool: no debt")
        paid = min(amount, self.debt(who))
        ended = scaled if paid == self.debt(who) else floor(amount / self.index)
        check(ended > 0, "LendingPool: repays nothing")
        self.scaled[who] = scaled - ended
        self.cash += paid
        self._check_no_dust(who)
        return paid

    def liquidate(self, now: int, who: int, amount: int) -> tuple[int, int]:
        """Return the payment and the seized collateral."""
        check(not self.paused, "Pausable: paused")
        self.accrue(now)
        price = self.oracle.fresh(now)
        value, debt = self.value(who, price), self.debt(who)
        check(debt > floor(value * self.terms.liquidation), "LendingPool: healthy")
        if value < debt * self.terms.seized:
            return self._end_bad_debt(who, amount, ceil(value / self.terms.seized))
        check(amount > 0, "LendingPool: amount is zero")
        paid = self._repay(who, amount)
        seized = floor(paid * self.terms.seized * PRICE_SCALE / price)
        self.collateral[who] -= seized
        better = self.value(who, price) * debt > value * self.debt(who)
        check(better or not self.debt(who), "LendingPool: no better health")
        return paid, seized

    def _end_bad_debt(self, who: int, amount: int, paid: int) -> tuple[int, int]:
        check(amount >= paid, "LendingPool: pays too little")
        loss = max(Fraction(0), self.scaled.pop(who) * self.index - paid)
        self.cash += paid
        self.reserves -= min(loss, self.reserves)
        self.bad_debt += loss
        return paid, self.collateral.pop(who, 0)

    def withdraw_reserves(self, now: int, amount: int) -> int:
        check(amount > 0, "LendingPool: amount is zero")
        self.accrue(now)
        check(amount <= self.cash, "LendingPool: not enough cash")
        check(amount <= self.reserves, "LendingPool: too few reserves")
        self.cash -= amount
        self.reserves -= amount
        return amount

    def _check_no_dust(self, who: int) -> None:
        check(self.debt(who) == 0 or self.debt(who) >= self.min_debt, "LendingPool: debt is dust")

    def _check_covered(self, who: int) -> None:
        if self.scaled.get(who, 0):
            most = floor(self.value(who, self.oracle.fresh(self.now)) * self.terms.loan_to_value)
            check(self.debt(who) <= most, "LendingPool: not covered")
