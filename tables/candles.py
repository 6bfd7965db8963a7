"""Candles: what a market traded in a window. Pure functions.

Each partition keeps a part of a candle, because fills lie in the partitions of their users. Readers merge the parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from streams.events.trading import Mode
from streams.units import Quantity
from tables.keys import SEPARATOR
from tables.row import Amount, Micros, Row
from tables.watermark import PRACTICE_KEY, WATERMARK_KEY

WATERMARK_KEYS: Final[Mapping[Mode, str]] = {"live": WATERMARK_KEY, "practice": PRACTICE_KEY}
"""The keys of `trading-watermark` by mode."""


def mark_key(key: str) -> str:
    """Return the key of the watermark that a candle belongs to, by the key of the candle."""
    return WATERMARK_KEYS[cast("Mode", key.rpartition(SEPARATOR)[2])]


class Candle(Row, frozen=True, kw_only=True):
    """Executions of one market, mode and window, in this partition.

    Attributes:
        open: Price of the first execution by time, then by fill id: a shorter id first, then by text. So fills that a
            venue numbers are in the order of their numbers.
        close: Price of the last execution in the same order.
        volume: Sum of the sizes.
        notional: Sum of the notional.
        trades: Number of executions.
        first_at: Time of the first execution; `first_id` is its fill id.
        last_at: Time of the last execution; `last_id` is its fill id.
    """

    open: Quantity
    high: Quantity
    low: Quantity
    close: Quantity
    volume: Quantity
    notional: Amount
    trades: int
    first_at: Micros
    first_id: str
    last_at: Micros
    last_id: str


def merged(one: Candle, other: Candle) -> Candle:
    """Return the candle of the executions of both. The order does not matter."""
    first = one if _first(one) <= _first(other) else other
    last = one if _last(one) >= _last(other) else other
    return Candle(
        open=first.open,
        high=max(one.high, other.high),
        low=min(one.low, other.low),
        close=last.close,
        volume=Quantity(one.volume + other.volume),
        notional=one.notional + other.notional,
        trades=one.trades + other.trades,
        first_at=first.first_at,
        first_id=first.first_id,
        last_at=last.last_at,
        last_id=last.last_id,
    )


def _first(candle: Candle) -> tuple[int, int, str, int]:
    return place_of(candle.first_at, candle.first_id, candle.open)


def _last(candle: Candle) -> tuple[int, int, str, int]:
    return place_of(candle.last_at, candle.last_id, candle.close)


def place_of(at: int, fill_id: str, price: int) -> tuple[int, int, str, int]:
    """Return the place of an execution in the order. Where fills of several users share an id, the price decides."""
    return at, len(fill_id), fill_id, price
