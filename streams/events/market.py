"""Events of markets: mark prices, with the market as their key."""

from __future__ import annotations

from typing import ClassVar

from streams import topics
from streams.events.base import EventData, Market
from streams.units import Price


class PriceUpdated(EventData, frozen=True, kw_only=True):
    """The mark price of a market at the event's time."""

    domain: ClassVar[str] = "market"
    topic: ClassVar[str] = topics.MARKET_PRICES

    market: Market
    price: Price
