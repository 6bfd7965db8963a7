"""Assets and their smallest units. Amounts of every asset are quantities: integers of 1e-18 of the asset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from streams.units import DECIMALS_MAX, USD_DECIMALS, Quantity, Usd

Asset = Literal["USD", "STRK", "SS", "LM"]
MoneyAsset = Literal["USD", "STRK"]
"""Assets that enter and leave the platform."""

DECIMALS: Final[Mapping[str, int]] = {"USD": USD_DECIMALS, "STRK": DECIMALS_MAX, "SS": 0, "LM": 0}
"""Decimals of each asset's smallest unit."""

USD_IN_QUANTITY: Final = 10 ** (DECIMALS_MAX - USD_DECIMALS)
"""Units of a quantity in 1e-8 USD."""


def unit_of(asset: str) -> int:
    """Return an asset's smallest unit, in 1e-18."""
    return int(10 ** (DECIMALS_MAX - DECIMALS[asset]))


def is_whole(asset: str, amount: int) -> bool:
    """Return whether an amount, in 1e-18, is a whole number of an asset's smallest unit."""
    return amount % unit_of(asset) == 0


def whole(asset: str, amount: Quantity) -> Quantity:
    """Return an amount if it is a whole number of an asset's smallest unit.

    Raises:
        ValueError: otherwise.
    """
    if not is_whole(asset, amount):
        raise ValueError(f"expected at most {DECIMALS[asset]} decimals for {asset}, got {amount.text()}")
    return amount


def quantity_of(amount: Usd) -> Quantity:
    """Return a USD amount as a quantity."""
    return Quantity(amount * USD_IN_QUANTITY)


def usd_of(amount: int) -> Usd:
    """Return a quantity of USD, in 1e-18, as a USD amount.

    Raises:
        ValueError: when the amount has more than 8 decimals.
    """
    return Usd(whole("USD", Quantity(amount)) // USD_IN_QUANTITY)
