"""The worlds that are simulated, and the constants that all of them share."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

from tests.chain.reference_lending import Terms

SAMPLE: Final = Path(__file__).parents[2] / "deploy" / "data" / "fills-sample.csv"
SEED: Final = 16
DAYS: Final = 365
DAY_S: Final = 24 * 3600
HOUR_S: Final = 3600
USD: Final = 10**6
ASTRA: Final = 10**18
DOLLAR: Final = 10**24
"""The price of one ASTRA at one dollar."""
LEDGER: Final = 10**8
"""Units of the product's ledger in one dollar."""


@dataclass(frozen=True)
class FeeWorld:
    """How much is traded, what gas costs, and whom the token refuses.

    Attributes:
        volume: Times of the recorded fees.
        spikes: On one day of 30, gas costs this many times as much.
        failing: A beneficiary that cannot be paid.
        failing_days: The days on which it cannot.
    """

    name: str
    volume: Fraction = Fraction(1)
    spikes: int = 1
    failing: str = ""
    failing_days: range = range(0)


FEE_WORLDS: Final = (
    FeeWorld("as recorded"),
    FeeWorld("high volume (× 10)", Fraction(10)),
    FeeWorld("low volume (÷ 100)", Fraction(1, 100)),
    FeeWorld("gas spikes (× 20)", spikes=20),
    FeeWorld("low volume and gas spikes", Fraction(1, 100), spikes=20),
    FeeWorld("paymaster fails for 60 days", failing="paymaster", failing_days=range(100, 160)),
    FeeWorld("stakers' contract fails to the end", failing="staking", failing_days=range(200, DAYS)),
)


@dataclass(frozen=True)
class LoanWorld:
    """How the price of ASTRA moves, and when nobody reports it.

    Attributes:
        volatility: Standard deviation of the logarithm of the price over a year.
        jumps: Jumps a year.
        jump: The standard deviation of a jump; its mean is as large, and negative.
        outages: Outages of the oracle a year; `outage_hours` is how long they last on average.
    """

    name: str
    volatility: float = 0.9
    jumps: float = 0
    jump: float = 0.12
    outages: float = 0
    outage_hours: float = 6


LOAN_WORLDS: Final = (
    LoanWorld("calm: no jumps, no outages"),
    LoanWorld("outages of the oracle", outages=24),
    LoanWorld("jumps", jumps=12),
    LoanWorld("jumps and outages", jumps=12, outages=24),
)
TERMS: Final = {
    "75 / 80 / 5": Terms(),
    "77.3 / 85 / 5": Terms(Fraction(85, 110), Fraction(85, 100), Fraction(105, 100)),
}
"""Percent of loan-to-value, of liquidation and of the bonus. The second are those of the original's vault, which
liquidates at 85 %, and lends only while 85 % of the collateral is 1.1 times the debt.
"""


def recorded_fees(path: Path = SAMPLE) -> list[int]:
    """Return what each trader of a record paid on each of its days, in units of the ledger; 0 without trades."""
    paid: Counter[tuple[str, str]] = Counter()
    days, traders = set(), set()
    with path.open(encoding="utf-8", newline="") as file:
        for fill in csv.DictReader(file):
            day, trader = fill["executed_at"][:10], fill["trader"]
            paid[day, trader] += int(Decimal(fill["fee_usd"]) * LEDGER)
            days.add(day)
            traders.add(trader)
    idle = len(traders) * _span(min(days), max(days)) - len(paid)
    return [*paid.values(), *[0] * idle]


def _span(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
