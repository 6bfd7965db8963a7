"""What the fee contracts should do, in plain Python: no storage, no tokens, exact fractions."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

PPM: Final = 1_000_000


@dataclass
class Epoch:
    """Shares, and what was received while they held. The first beneficiary is the treasury."""

    shares: dict[int, int]
    received: int = 0

    def earned(self) -> dict[int, int]:
        """Round every share down, and give the treasury what is left."""
        exact = {who: Fraction(self.received * ppm, PPM) for who, ppm in self.shares.items()}
        earned = {who: part.numerator // part.denominator for who, part in exact.items()}
        treasury = next(iter(self.shares))
        earned[treasury] += self.received - sum(earned.values())
        return earned


@dataclass
class SplitterModel:
    """Who earned and who was paid what."""

    epochs: list[Epoch]
    paid: dict[int, int] = field(default_factory=dict)

    def receive(self, amount: int) -> None:
        self.epochs[-1].received += amount

    def change(self, shares: dict[int, int]) -> None:
        self.epochs.append(Epoch(shares))

    def everyone(self) -> set[int]:
        """Return all beneficiaries that ever were."""
        return {who for epoch in self.epochs for who in epoch.shares}

    def due(self, who: int) -> int:
        return sum(epoch.earned().get(who, 0) for epoch in self.epochs) - self.paid.get(who, 0)

    def pay(self, who: int) -> int:
        amount = self.due(who)
        self.paid[who] = self.paid.get(who, 0) + amount
        return amount

    @property
    def received(self) -> int:
        return sum(epoch.received for epoch in self.epochs)

    @property
    def held(self) -> int:
        return self.received - sum(self.paid.values())


@dataclass
class CollectorModel:
    """What was settled and swept."""

    batches: list[dict[str, int]] = field(default_factory=list)
    swept: int = 0
    surplus: int = 0
    donated: int = 0

    @property
    def settled(self) -> int:
        return sum(sum(batch.values()) for batch in self.batches)

    @property
    def held(self) -> int:
        return self.settled - self.swept + self.donated - self.surplus

    def total_of(self, source: str) -> int:
        return sum(batch.get(source, 0) for batch in self.batches)

    def sweep(self) -> int:
        """Return what goes to the splitter."""
        amount = self.held
        self.swept, self.surplus = self.settled, self.donated
        return amount
