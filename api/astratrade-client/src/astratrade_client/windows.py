"""The bodies and answers of the API, generated from its OpenAPI document.

`python -m tests.client.typed_models` in the product's repository writes this file.
"""

from __future__ import annotations

from typing import TypedDict


class Candle(TypedDict):
    """The executions of a market in a window of event time."""

    interval: str
    begin: str
    market: str
    mode: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    notional_usd: str
    trades: int


class CandlesAnswer(TypedDict):
    """Candles of a market, oldest first, and the position they are true for."""

    position: str
    begin: str
    end: str
    candles: list[Candle]


class DailyTrading(TypedDict):
    """What a user traded on a UTC day in one mode."""

    trades: int
    volume_usd: str
    pnl_usd: str
    fees_usd: str


class DaysAnswer(TypedDict):
    """Days of a user, oldest first, and the position they are true for."""

    position: str
    begin: str
    end: str
    days: list[UserDay]


class FeeHoursAnswer(TypedDict):
    """Fees by hour, oldest first, and the position they are true for."""

    position: str
    begin: str
    end: str
    hours: list[FeesOfHour]


class FeesOfHour(TypedDict):
    """The fees of an hour of event time, by source and asset."""

    begin: str
    fees: list[HourlyFees]


class Hour(TypedDict):
    """What all users did and earned in an hour of event time."""

    begin: str
    users: int
    live: HourlyTrading
    practice: HourlyTrading
    xp: dict[str, int]


class HourlyFees(TypedDict):
    """Fees of one source and asset in an hour. The beneficiaries' amounts add up to `amount`."""

    source: str
    asset: str
    amount: str
    count: int
    beneficiaries: dict[str, str]


class HourlyTrading(TypedDict):
    """The executions of an hour in one mode, counted and summed."""

    executions: int
    volume_usd: str


class HoursAnswer(TypedDict):
    """Hours, oldest first, and the position they are true for."""

    position: str
    begin: str
    end: str
    hours: list[Hour]


class UserDay(TypedDict):
    """What a user did and earned on a UTC day. The running sums of pnl less fees are the equity curve."""

    day: str
    xp: int
    live: DailyTrading
    practice: DailyTrading
    streaks: dict[str, int]
