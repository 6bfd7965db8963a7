"""Bounds on what a venue can report of one fill. A wrong digit in a report must not decide boards and fee totals."""

from __future__ import annotations

from typing import Final

from streams.units import PPM, SCALE, USD_UNIT, Quantity, Usd, divide_half_up

NOTIONAL_TOLERANCE_PPM: Final = 10_000
"""A notional may differ from price x size by 1 %: venues round prices, and some report before or after a rebate."""

ROUNDING_USD: Final = Usd(USD_UNIT // 100)
"""A cent more than that, because venues round notionals to cents."""

_SQUARE: Final = SCALE * SCALE
_ROUNDING: Final = ROUNDING_USD * _SQUARE * PPM

PNL_NOTIONALS_MAX: Final = 1_000
"""A fill may realise at most this many times its notional: the position was opened at 1,000 times the price."""

FEE_NOTIONALS_MAX: Final = 1
"""A fee may be as much as the fill, and a cent."""


def check_notional(notional: Usd, price: Quantity, size: Quantity) -> None:
    """Refuse a notional that is not price times size.

    Raises:
        ValueError: naming the product and the tolerance.
    """
    product = price * size * USD_UNIT  # in units of 1e-8 USD and 1e-36
    if abs(notional * _SQUARE - product) * PPM > product * NOTIONAL_TOLERANCE_PPM + _ROUNDING:
        expected = Usd(divide_half_up(product, _SQUARE)).text()
        raise ValueError(
            f"differs by more than 1 % and a cent from price x size, which is {expected}; got {notional.text()}"
        )


def check_pnl(pnl: Usd, notional: Usd) -> None:
    """Refuse a realised profit or loss that no fill of this notional can have.

    Raises:
        ValueError: naming the bound.
    """
    if abs(pnl) > PNL_NOTIONALS_MAX * notional + ROUNDING_USD:
        raise ValueError(f"is more than {PNL_NOTIONALS_MAX:,} times the notional of {notional.text()}")


def check_fee(fee: Usd, notional: Usd) -> None:
    """Refuse a fee above the fill itself.

    Raises:
        ValueError: naming the bound.
    """
    if fee > FEE_NOTIONALS_MAX * notional + ROUNDING_USD:
        raise ValueError(f"is more than the notional of {notional.text()}")
