"""Exact amounts: decimal text to integers and back, and the rounding of fees (domain.md §1)."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Final

USD_DECIMALS: Final = 8
DECIMALS: Final = 18
E8: Final = 10**USD_DECIMALS
E18: Final = 10**DECIMALS
PPM: Final = 1_000_000

SMALLEST: Final = {"USD": E18 // E8, "STRK": 1, "SS": E18, "LM": E18}
"""The smallest unit of each asset, in 1e-18 of the asset. SS and LM are whole numbers."""


def units(text: str, decimals: int) -> int:
    """Parse decimal text as an integer of its last decimal; refuse a value that is not exact."""
    scaled: Fraction = Fraction(text) * 10**decimals
    if scaled.denominator != 1:
        raise ValueError(f"{text} has more than {decimals} decimals")
    return scaled.numerator


def usd(text: str) -> int:
    """Parse an amount of USD as an integer of 1e-8 USD."""
    return units(text, USD_DECIMALS)


def quantity(text: str) -> int:
    """Parse a quantity, a price or an amount of any asset as an integer of 1e-18."""
    return units(text, DECIMALS)


def half_up(value: Fraction) -> int:
    """Round to the nearest integer, a half away from zero."""
    nearest: int = floor(abs(value) + Fraction(1, 2))
    return nearest if value >= 0 else -nearest


def usd_text(amount: int) -> str:
    """Return 1e-8 USD as text with at least two decimals."""
    whole, part = divmod(abs(amount), E8)
    decimals = f"{part:08d}".rstrip("0").ljust(2, "0")
    return f"{'-' if amount < 0 else ''}{whole}.{decimals}"


def quantity_text(amount: int) -> str:
    """Return 1e-18 as text without trailing zeros."""
    whole, part = divmod(abs(amount), E18)
    decimals = f"{part:018d}".rstrip("0")
    return f"{'-' if amount < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"
