"""A year of loans: borrowers, lenders and liquidators under a price that moves and an oracle that may be silent."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tests.chain.reference_lending import PRICE_SCALE, OracleModel, PoolModel, Refused, Terms
from tests.economy.scenarios import ASTRA, DAYS, DOLLAR, HOUR_S, USD, LoanWorld
from tests.economy.wallets import OUTSIDE, Wallets

HOURS = DAYS * 24
CAP = 10**9 * USD
MIN_DEBT = 10 * USD
NEVER = 2**200
"""More than any debt."""
LENDERS = range(1, 21)
FIRST_BORROWER = 1000
SUPPLIED_AT_FIRST = 50_000 * USD
ARRIVALS_A_DAY = 1.5
LOAN_DAYS = 60
NEAR_THE_LIMIT = 0.97
"""A careful borrower adds collateral above this part of the debt that is liquidated."""


def prices(world: LoanWorld, seed: int, hours: int = HOURS) -> list[float]:
    """Return the dollars of one ASTRA at each hour."""
    draw, price, path = random.Random(f"prices {seed}"), 1.0, []
    hourly = world.volatility / math.sqrt(HOURS)
    for _ in range(hours):
        step = draw.gauss(-hourly * hourly / 2, hourly)
        if draw.random() < world.jumps / HOURS:
            step += draw.gauss(-world.jump, world.jump)
        price *= math.exp(step)
        path.append(price)
    return path


def silences(world: LoanWorld, seed: int, hours: int = HOURS) -> list[bool]:
    """Return for each hour whether nobody reports the price."""
    draw, left, silent = random.Random(f"silences {seed}"), 0.0, []
    for _ in range(hours):
        if draw.random() < world.outages / HOURS:
            left = draw.expovariate(1 / world.outage_hours)
        silent.append(left > 0)
        left -= 1
    return silent


@dataclass
class Borrower:
    """Someone with a loan.

    Attributes:
        rate_max: The interest of a year at which the loan is paid back.
        until: The hour at which it is paid back in any case.
        careful: Whether collateral is added before a liquidation.
    """

    rate_max: float
    until: float
    careful: bool


@dataclass
class LoanYear:
    """The pool, the wallets and what happened so far. Utilisation and rate are noted at each hour."""

    world: LoanWorld
    terms: Terms
    seed: int
    liquidations: int = 0
    liquidated: int = 0
    borrowed: int = 0
    utilisation: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    usd: Wallets = field(default_factory=Wallets)
    astra: Wallets = field(default_factory=Wallets)

    def __post_init__(self) -> None:
        self.random = random.Random(f"people {self.seed}")
        self.pool = PoolModel(OracleModel(DOLLAR, 0), CAP, CAP, MIN_DEBT, now=0, terms=self.terms)
        self.wants = {lender: self.random.uniform(0.005, 0.03) for lender in LENDERS}
        self.people: dict[int, Borrower] = {}
        for lender in LENDERS:
            self._supply(0, lender, SUPPLIED_AT_FIRST)
        self.share_at_first = self.pool.exact_assets / self.pool.total_shares

    def run(self, hours: int = HOURS) -> LoanYear:
        """Let the hours pass, and return the year."""
        self.path = prices(self.world, self.seed, hours)
        silent = silences(self.world, self.seed, hours)
        for hour in range(1, hours):
            now, price = hour * HOUR_S, max(1, int(self.path[hour] * DOLLAR))
            if not silent[hour]:
                now = self._report(now, price)
            self._liquidate(now, price)
            self._borrowers(now, hour, price)
            if hour % 24 == 0:
                self._lender(now)
            self.utilisation.append(self._utilisation())
        return self

    def _report(self, now: int, price: int) -> int:
        """Report a price until it counts, and return when."""
        self.pool.oracle.report(now, price, now)
        if self.pool.oracle.held:
            now += 60
            self.pool.oracle.report(now, price, now)
        return now

    def attempt(self, act: Callable[..., Any], *arguments: Any) -> Any:
        """Call the pool. Return None when it refuses, and leave it as it was."""
        trial = deepcopy(self.pool)
        try:
            result = act(trial, *arguments)
        except Refused:
            return None
        self.pool = trial
        return result

    def _liquidate(self, now: int, price: int) -> None:
        """Let somebody liquidate all that may be: pay the debt, and sell the collateral outside."""
        for who in self._strained(price, 0.999):
            done = self.attempt(PoolModel.liquidate, now, who, NEVER)
            if done is not None:
                paid, seized = done
                self.usd.pay(OUTSIDE, "pool", paid)
                self.astra.pay("pool", OUTSIDE, seized)
                self.liquidations += 1
                self.liquidated += paid
                self._leave(now, who)

    def _borrowers(self, now: int, hour: int, price: int) -> None:
        if self.random.random() < ARRIVALS_A_DAY / 24:
            self._arrive(now, hour, price)
        rate = float(self.pool.rate())
        self.rates.append(rate)
        for who, person in list(self.people.items()):
            if hour > person.until or rate > person.rate_max:
                paid = self.attempt(PoolModel.repay, now, who, NEVER)
                self.usd.pay(OUTSIDE, "pool", paid)
                self._leave(now, who)
        for who in self._strained(price, NEAR_THE_LIMIT):
            if self.people[who].careful:
                more = self.pool.collateral[who] // 10
                self.pool.deposit_collateral(now, who, more)
                self.astra.pay(OUTSIDE, "pool", more)

    def _arrive(self, now: int, hour: int, price: int) -> None:
        who = FIRST_BORROWER + hour
        person = Borrower(
            self.random.uniform(0.03, 0.4),
            hour + self.random.expovariate(1 / (LOAN_DAYS * 24)),
            self.random.random() < 0.5,
        )
        amount = int(self.random.lognormvariate(math.log(10_000), 1) * USD)
        part = self.random.uniform(0.4, 0.99) * float(self.terms.loan_to_value)
        collateral = int(amount / part * DOLLAR / price) * (ASTRA // USD)

        if float(self.pool.rate()) < person.rate_max and self.attempt(_enter, now, who, collateral, amount):
            self.people[who] = person
            self.astra.pay(OUTSIDE, "pool", collateral)
            self.usd.pay("pool", OUTSIDE, amount)
            self.borrowed += amount

    def _strained(self, price: int, part: float) -> list[int]:
        """Return whose debt is above about a part of the debt that is liquidated."""
        bearable = part * price / PRICE_SCALE * float(self.terms.liquidation) / float(self.pool.index)
        return [who for who in self.people if self.pool.scaled[who] > bearable * self.pool.collateral[who]]

    def _leave(self, now: int, who: int) -> None:
        """Take what is left of the collateral, and be forgotten."""
        if held := self.pool.collateral.get(who):
            self.pool.withdraw_collateral(now, who, held)
            self.astra.pay("pool", OUTSIDE, held)
        for left in (self.people, self.pool.collateral, self.pool.scaled):
            left.pop(who, None)

    def _lender(self, now: int) -> None:
        """Let one lender look at the interest, and supply more or withdraw."""
        lender = self.random.choice(LENDERS)
        interest = float(self.pool.rate()) * self._utilisation() * 0.9
        amount = self.random.randint(1, 40_000) * USD
        if interest > 1.5 * self.wants[lender]:
            self._supply(now, lender, amount)
        elif interest < self.wants[lender] / 2:
            amount = min(amount, self.pool.claim(lender))
            if self.attempt(PoolModel.withdraw, now, lender, amount) is not None:
                self.usd.pay("pool", OUTSIDE, amount)

    def _supply(self, now: int, lender: int, amount: int) -> None:
        if self.attempt(PoolModel.supply, now, lender, amount) is not None:
            self.usd.pay(OUTSIDE, "pool", amount)

    def _utilisation(self) -> float:
        assets = self.pool.exact_assets
        return min(1.0, float(self.pool.exact_debt / assets)) if assets > 0 else 1.0

    @property
    def gain(self) -> float:
        """What the lenders' shares gained in the year."""
        return float(self.pool.exact_assets / self.pool.total_shares / self.share_at_first) - 1


def _enter(pool: PoolModel, now: int, who: int, collateral: int, amount: int) -> int:
    """Deposit collateral and borrow."""
    pool.deposit_collateral(now, who, collateral)
    return pool.borrow(now, who, amount)
