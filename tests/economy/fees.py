"""A year of fees: from the trades to the treasury, the paymaster and the stakers."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, field

from tests.chain.reference import CollectorModel, Epoch, SplitterModel
from tests.chain.reference_paymaster import TIERS, PaymasterModel
from tests.chain.reference_staking import StakingModel
from tests.economy.scenarios import ASTRA, DAY_S, DAYS, LEDGER, USD, FeeWorld
from tests.economy.wallets import OUTSIDE, Wallets

NAMES = {1: "treasury", 2: "paymaster", 3: "staking"}
SHARES = {1: 600_000, 2: 250_000, 3: 150_000}
CARRIED = LEDGER // USD
"""Units of the ledger in one of the token."""
CALLS_A_DAY = 0.5
GAS_OF_A_CALL = (15_000, 60_000)
"""Cairo steps of a user's transaction: the least and the most."""
GAS_PRICE = 200_000
"""Units of a dollar for a million steps. Its logarithm moves by 5 % a day."""
GAS_PRICE_MAX = 5 * GAS_PRICE
"""What the paymaster pays at most."""
SPIKE_DAYS = 30
STAKERS = 40


@dataclass
class FeeYear:
    """The contracts of the fees, the wallets, and what happened so far."""

    world: FeeWorld
    recorded: list[int]
    users: int
    seed: int
    accrued: int = 0
    gas_price: float = GAS_PRICE
    outcomes: Counter[str] = field(default_factory=Counter)
    income: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in NAMES.values()})
    usd: Wallets = field(default_factory=Wallets)
    astra: Wallets = field(default_factory=Wallets)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.collector = CollectorModel()
        self.splitter = SplitterModel([Epoch(dict(SHARES))])
        self.staking = StakingModel(at=0)
        self.paymaster = PaymasterModel(price=GAS_PRICE_MAX)
        for user in range(self.users):
            self.paymaster.record(user, int(self.random.paretovariate(0.6) * TIERS[1] / 5))
        for staker in range(STAKERS):
            self._stake(staker, self.random.randint(1, 50) * 1000 * ASTRA, now=0)

    def run(self, days: int = DAYS) -> FeeYear:
        """Let the days pass, and return the year."""
        for day in range(days):
            self._trade()
            self._distribute(day)
            self._move_stakes(day * DAY_S)
            self._sponsor(day)
            for number, name in NAMES.items():
                self.income[name].append(self.splitter.paid.get(number, 0))
        return self

    def _trade(self) -> None:
        """Let everyone have a recorded day, and settle the whole units of the day's fees."""
        fees = sum(self.random.choices(self.recorded, k=self.users))
        self.accrued += int(fees * self.world.volume)
        units = self.accrued // CARRIED - self.collector.settled
        if units > 0:
            self.usd.pay(OUTSIDE, "collector", units)
            self.collector.batches.append({"trading": units})

    def _distribute(self, day: int) -> None:
        swept = self.collector.sweep()
        self.usd.pay("collector", "splitter", swept)
        self.splitter.receive(swept)
        for number, name in NAMES.items():
            if name == self.world.failing and day in self.world.failing_days:
                continue
            paid = self.splitter.pay(number)
            self.usd.pay("splitter", name, paid)
            if name == "staking":
                self.staking.arrived += paid
            elif name == "paymaster":
                self.paymaster.funded += paid
        self.staking.collect(day * DAY_S)

    def _stake(self, staker: int, amount: int, now: int) -> None:
        self.astra.pay(OUTSIDE, "staking", amount)
        self.staking.stake(staker, amount, now)

    def _move_stakes(self, now: int) -> None:
        """Let one staker a day stake more, leave in part, or claim."""
        staker = self.random.randrange(STAKERS)
        if staker in self.staking.exits and now >= self.staking.exits[staker].ready_at:
            self.astra.pay("staking", OUTSIDE, self.staking.withdraw(staker))
        action = self.random.choice(["stake", "unstake", "claim"])
        thousands = self.staking.stakes[staker] // (1000 * ASTRA)
        if action == "stake":
            self._stake(staker, self.random.randint(1, 10) * 1000 * ASTRA, now)
        elif action == "unstake" and thousands:
            self.staking.unstake(staker, self.random.randint(1, thousands) * 1000 * ASTRA, now)
        else:
            self._claim(staker, now)

    def _claim(self, staker: int, now: int) -> None:
        amount = math.floor(self.staking.earned_at(staker, now)) - self.staking.paid[staker]
        self.usd.pay("staking", "stakers", amount)
        self.staking.claim(staker, amount, now)

    def _sponsor(self, day: int) -> None:
        """Let users send transactions, for which the paymaster pays as far as it may."""
        self.gas_price *= math.exp(self.random.gauss(0, 0.05))
        spiked = day % SPIKE_DAYS == SPIKE_DAYS - 1
        price = self.gas_price * (self.world.spikes if spiked else 1)
        for _ in range(int(self.users * CALLS_A_DAY)):
            user, gas = self.random.randrange(self.users), self.random.randint(*GAS_OF_A_CALL)
            cost, request = int(gas * price) // 10**6, len(self.paymaster.requests)
            refusal = self.paymaster.refusal(request, user, gas, cost, day * DAY_S)
            self.outcomes[refusal or "sponsored"] += 1
            if not refusal:
                self.paymaster.sponsor(request, user, gas, cost, day * DAY_S)
                self.usd.pay("paymaster", OUTSIDE, cost)

    def staking_yield(self, price: float = 1.0) -> float:
        """Return what the year's income of the stakers' contract is of the stakes, at a price of ASTRA in dollars."""
        return self.staking.funded / USD / (self.staking.total_staked / ASTRA * price)
