"""Windows of a fill over plain values: candles, hours of activity and of fees, days of users.

A time is in microseconds since 1970, and so is the begin of a window. USD amounts are integers of 1e-8 USD. The caller
keeps the rows. Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from tests.peers.product.apps.rules import Played, Row

MINUTE, HOUR, DAY_HOURS = 60_000_000, 3_600_000_000, 24
LENGTHS = {"1m": MINUTE, "5m": 5 * MINUTE, "1h": HOUR, "1d": DAY_HOURS * HOUR}

HOUR_FIELDS = ("users", "executions", "volume", "xp_trade", "xp_close", "xp_win", "xp_achievement")
DAY_FIELDS = ("xp", "trades", "volume", "pnl", "fees", "streak", "active_hours")
"""`streak` is None while the day counts for no streak; `active_hours` has a bit for each hour with a fill."""

Key = tuple[str, int, str]
"""The interval, the begin and the market of a candle."""


class Candle(NamedTuple):
    """What a market traded in a window.

    `first` and `last` are the places of the executions that have the prices `open` and `close` (see `place_of`).
    """

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    notional: int
    trades: int
    first: str
    last: str


def place_of(at: int, fill_id: str) -> str:
    """Return a text that sorts executions by time, then by the length of the fill id, then by the fill id."""
    return f"{at:017d}{len(fill_id):04d}{fill_id}"


def candle_of(fill: Row, played: Played) -> Candle:
    """Return the candle of one fill."""
    price, place = Decimal(fill["price"]), place_of(played.at, fill["fill_id"])
    return Candle(price, price, price, price, Decimal(fill["size"]), played.notional, 1, place, place)


def merged(one: Candle | None, other: Candle) -> Candle:
    """Return the candle of the executions of both, in any order."""
    if one is None:
        return other
    return Candle(
        one.open if one.first < other.first else other.open,
        max(other.high, one.high),
        min(other.low, one.low),
        one.close if one.last > other.last else other.close,
        one.volume + other.volume,
        one.notional + other.notional,
        one.trades + other.trades,
        min(other.first, one.first),
        max(other.last, one.last),
    )


def add_candle(candles: dict[Key, Candle], market: str, at: int, candle: Candle) -> None:
    """Add to the candles of each interval."""
    for interval, length in LENGTHS.items():
        key = interval, at - at % length, market
        candles[key] = merged(candles.get(key), candle)


class Sums:
    """The candles, days and hours of some fills. A batch adds up minutes first, and then other intervals from them.

    `days` begins with the stored rows, by user and day. The rest is to be added to what is stored.
    """

    def __init__(self, days: dict[tuple[str, str], Row]) -> None:
        self.days = days
        self.hours: dict[int, Row] = {}
        self._minutes: dict[tuple[int, str], Candle] = {}

    def add(self, fill: Row, played: Played) -> None:
        """Add a fill."""
        minute = played.at - played.at % MINUTE, fill["market"]
        self._minutes[minute] = merged(self._minutes.get(minute), candle_of(fill, played))
        count(self.days, self.hours, fill, played)

    def candles(self) -> dict[Key, Candle]:
        """Return the candles of all intervals."""
        found: dict[Key, Candle] = {}
        for (begin, market), candle in self._minutes.items():
            add_candle(found, market, begin, candle)
        return found


def count(days: dict[tuple[str, str], Row], hours: dict[int, Row], fill: Row, played: Played) -> None:
    """Add a fill to the day of its user and to its hour. A user counts once an hour as active."""
    text, begin = fill["executed_at"][:10], played.at - played.at % HOUR
    day, hour = days.get((fill["user_id"], text)), hours.get(begin)
    if day is None:
        day = days[fill["user_id"], text] = dict.fromkeys(DAY_FIELDS, 0) | {"streak": None}
    if hour is None:
        hour = hours[begin] = dict.fromkeys(HOUR_FIELDS, 0)
    bit = 1 << begin // HOUR % DAY_HOURS
    hour["users"] += not day["active_hours"] & bit
    hour["executions"] += 1
    hour["volume"] += played.notional
    day["active_hours"] |= bit
    day["trades"] += played.first
    day["volume"] += played.notional
    day["pnl"] += played.pnl
    day["fees"] += played.fees["total"]
    for source, xp in _xp_of(played):
        hour[f"xp_{source}"] += xp
        day["xp"] += xp
    if played.progress["last_day"] == date.fromisoformat(text).toordinal():
        day["streak"] = played.progress["streak"]


def _xp_of(played: Played) -> list[tuple[str, int]]:
    gained = (event["data"] for event in played.events if event["type"] == "XPGained")
    return [(one["source"], one["amount"]) for one in gained]


def fee_hour(fill: Row) -> str:
    """Return the row of fees of a fill's hour, such as `2025-01-15T12`; it lies beside those of days."""
    return str(fill["executed_at"][:13])


def text_of(key: Key) -> str:
    """Return the key of a candle as text."""
    interval, begin, market = key
    return f"{interval}|{begin}|{market}"


def values_of(candle: Candle) -> list[Any]:
    """Return a candle as values that JSON has."""
    return [*map(str, candle[:5]), *candle[5:]]


def read_candle(values: Sequence[Any]) -> Candle:
    """Return the candle of values from JSON."""
    return Candle._make((*map(Decimal, values[:5]), *values[5:]))
