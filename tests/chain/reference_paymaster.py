"""What the paymaster should do, in plain Python."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

DAY_S: Final = 24 * 3600
GAS_A_DAY: Final = {1: 100_000, 2: 200_000, 3: 400_000, 4: 800_000, 5: 1_600_000}
TIERS: Final = (0, 5_000, 15_000, 50_000, 150_000)


@dataclass
class PaymasterModel:
    """Who used how much gas on which day, and what was paid for it.

    Attributes:
        price: The most that a million gas may cost.
    """

    price: int
    experience: dict[int, int] = field(default_factory=dict)
    used: Counter[tuple[int, int]] = field(default_factory=Counter)
    requests: set[int] = field(default_factory=set)
    funded: int = 0
    spent: int = 0

    def tier(self, user: int) -> int:
        return bisect_right(TIERS, self.experience[user]) if user in self.experience else 0

    def gas_left(self, user: int, now: int) -> int:
        return GAS_A_DAY.get(self.tier(user), 0) - self.used[user, now // DAY_S]

    def refusal(self, request: int, user: int, gas: int, cost: int, now: int) -> str | None:
        """Return why a transaction is not sponsored."""
        if not gas:
            return "gas is zero"
        if request in self.requests:
            return "already sponsored"
        if not self.tier(user):
            return "no reputation"
        if gas > self.gas_left(user, now):
            return "above the allowance"
        if cost * 10**6 > gas * self.price:
            return "above the price"
        return "not funded" if self.spent + cost > self.funded else None

    def sponsor(self, request: int, user: int, gas: int, cost: int, now: int) -> None:
        self.requests.add(request)
        self.used[user, now // DAY_S] += gas
        self.spent += cost

    def record(self, user: int, experience: int) -> bool:
        """Return whether a total is accepted: a first one, or a higher one."""
        accepted = experience > self.experience.get(user, -1)
        if accepted:
            self.experience[user] = experience
        return accepted
