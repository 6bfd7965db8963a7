"""Fees as the venue reported them, split for each fill, added up by UTC day and for all time."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

SHARES_PPM = {"paymaster": 250_000, "staking_rewards": 150_000}
REMAINDER_TO = "treasury"
ALL_DAYS = "all"


def split(fee: int) -> dict[str, int]:
    """Round each share of one fee (1e-8 USD) down; add the remainder to the treasury's share."""
    shares = {name: fee * ppm // 1_000_000 for name, ppm in SHARES_PPM.items()}
    return {REMAINDER_TO: fee - sum(shares.values()), **shares}


@dataclass
class Fees:
    """Totals of one source and asset: by day (`2024-09-20` or `all`), for each beneficiary and in sum (`total`)."""

    totals: dict[str, Counter[str]] = field(default_factory=dict)

    def accrue(self, fee: int, at: datetime) -> None:
        for day in (f"{at:%Y-%m-%d}", ALL_DAYS):
            total = self.totals.setdefault(day, Counter())
            total["total"] += fee
            total.update(split(fee))
