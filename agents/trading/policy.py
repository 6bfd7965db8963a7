"""The numbers of trading: fee, practice accounts, limits on orders, liquidation, and the markets."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from agents.policy import Policy, Positive, Ppm
from streams.events.base import Market
from streams.events.trading import LEVERAGE_MAX, PositiveUsd
from streams.events.user import Tier
from streams.units import PPM

Leverage = Annotated[int, Field(ge=1, le=LEVERAGE_MAX, strict=True)]


class TradingPolicy(Policy):
    """The numbers of the trading domain.

    Attributes:
        fee_ppm: Fee in parts of the notional, for practice trades and for fills whose venue names no fee.
        practice_balance_usd: Balance of a new practice account.
        opened_per_day_max: Maximum number of practice trades that a user may open in one UTC day.
        margin_ppm_max: Largest margin of an order, in parts of the balance. Above `margin_ppm_medium` an order raises a
            medium risk alert, above `margin_ppm_high` a high one.
        maintenance_ppm: Part of the margin that is left when a practice trade is liquidated.
        live_tier: The verification tier that live orders need, or a higher one.
        market_leverage_max: Maximum leverage of each market. Other markets cannot be traded.
    """

    fee_ppm: Ppm
    practice_balance_usd: PositiveUsd
    opened_per_day_max: Positive
    margin_ppm_max: Ppm
    margin_ppm_high: Ppm
    margin_ppm_medium: Ppm
    maintenance_ppm: Annotated[Ppm, Field(lt=PPM)]
    live_tier: Tier
    market_leverage_max: Annotated[dict[Market, Leverage], Field(min_length=1)]

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        limits = (self.margin_ppm_medium, self.margin_ppm_high, self.margin_ppm_max)
        if sorted(limits) != list(limits):
            raise ValueError(f"expected margin_ppm_medium <= margin_ppm_high <= margin_ppm_max, got {limits}")
        return self

    @property
    def markets(self) -> frozenset[str]:
        """Return the symbols of all markets."""
        return frozenset(self.market_leverage_max)
