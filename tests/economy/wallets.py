"""Who has how many units of a token, beside what the references say."""

from __future__ import annotations

from collections import Counter
from typing import Final

OUTSIDE: Final = "outside"
"""Everyone who is not simulated. Has less than nothing: what came in from there."""


class Wallets:
    """The balances of one token. A payment moves units, so that their sum is always 0."""

    def __init__(self) -> None:
        self._units: Counter[str] = Counter()

    def pay(self, payer: str, recipient: str, units: int) -> None:
        """Move units.

        Raises:
            ValueError: the payer has too few, or the units are negative.
        """
        if units < 0 or (payer != OUTSIDE and self._units[payer] < units):
            raise ValueError(f"{payer} has {self._units[payer]} units and pays {units}")
        self._units[payer] -= units
        self._units[recipient] += units

    def __getitem__(self, name: str) -> int:
        return self._units[name]
