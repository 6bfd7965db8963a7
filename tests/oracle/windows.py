"""Windows: what a market, all users, the fees and one user did by minute, hour and day, from lists of fills."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from tests.oracle.fees import split
from tests.oracle.fills import Fill

LENGTHS = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
KEPT = {"1m": timedelta(hours=24), "5m": timedelta(days=7), "1h": timedelta(days=90)}
"""How long after its end a window is kept; days are kept for good."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Candle(NamedTuple):
    """What a market traded in a window. `notional` is in 1e-8 USD."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    notional: int
    trades: int


class Hour(NamedTuple):
    """What all users did in an hour."""

    users: int
    executions: int
    volume: int
    xp: int


class Day(NamedTuple):
    """What a user did on a day. `streak` is the length of the trading streak on it, None when it did not count."""

    xp: int
    trades: int
    volume: int
    pnl: int
    fees: int
    streak: int | None


class Counted(NamedTuple):
    """A fill with what it brought."""

    fill: Fill
    xp: int
    opens: bool
    streak: int | None


def begin_of(at: datetime, interval: str) -> datetime:
    length = LENGTHS[interval]
    return at - (at - EPOCH) % length


def is_kept(begin: datetime, interval: str, newest: datetime) -> bool:
    """Return whether a window is kept when the newest event has this time."""
    kept = KEPT.get(interval)
    return kept is None or begin + LENGTHS[interval] > newest - kept


@dataclass
class Windows:
    """All fills in their order."""

    fills: list[Counted] = field(default_factory=list)

    def candles(self) -> Mapping[tuple[str, datetime, str], Candle]:
        """Return the candles by interval, begin and market."""
        newest = max(one.fill.at for one in self.fills)
        found: dict[tuple[str, datetime, str], list[Fill]] = defaultdict(list)
        for one in self.fills:
            for interval in LENGTHS:
                begin = begin_of(one.fill.at, interval)
                if is_kept(begin, interval, newest):
                    found[interval, begin, one.fill.market].append(one.fill)
        return {key: candle_of(fills) for key, fills in found.items()}

    def hours(self) -> Mapping[datetime, Hour]:
        newest = max(one.fill.at for one in self.fills)
        found: dict[datetime, list[Counted]] = defaultdict(list)
        for one in self.fills:
            found[begin_of(one.fill.at, "1h")].append(one)
        return {begin: hour_of(some) for begin, some in found.items() if is_kept(begin, "1h", newest)}

    def fee_hours(self) -> Mapping[datetime, Mapping[str, int]]:
        """Return the fees of each hour by beneficiary, and in sum (`total`). A fill without a fee is no fee event."""
        paid = [one.fill for one in self.fills if one.fill.fee]
        found: dict[datetime, Counter[str]] = defaultdict(Counter)
        for fill in paid:
            sums = found[begin_of(fill.at, "1h")]
            sums["total"] += fill.fee
            sums.update(split(fill.fee))
        newest = max((fill.at for fill in paid), default=EPOCH)
        return {begin: sums for begin, sums in found.items() if is_kept(begin, "1h", newest)}

    def days(self) -> Mapping[tuple[str, date], Day]:
        """Return the days by user and day."""
        found: dict[tuple[str, date], list[Counted]] = defaultdict(list)
        for one in self.fills:
            found[one.fill.user, one.fill.at.date()].append(one)
        return {key: day_of(some) for key, some in found.items()}


def candle_of(fills: Sequence[Fill]) -> Candle:
    """Return the candle of fills in their order. Of fills at one time, the first in the file is the first."""
    ordered = sorted(fills, key=lambda fill: fill.at)
    prices = [fill.price for fill in fills]
    return Candle(
        open=ordered[0].price,
        high=max(prices),
        low=min(prices),
        close=ordered[-1].price,
        volume=sum((fill.size for fill in fills), Decimal(0)),
        notional=sum(fill.notional for fill in fills),
        trades=len(fills),
    )


def hour_of(some: Sequence[Counted]) -> Hour:
    return Hour(
        users=len({one.fill.user for one in some}),
        executions=len(some),
        volume=sum(one.fill.notional for one in some),
        xp=sum(one.xp for one in some),
    )


def day_of(some: Sequence[Counted]) -> Day:
    streaks = [one.streak for one in some if one.streak is not None]
    return Day(
        xp=sum(one.xp for one in some),
        trades=sum(one.opens for one in some),
        volume=sum(one.fill.notional for one in some),
        pnl=sum(one.fill.pnl for one in some),
        fees=sum(one.fill.fee for one in some),
        streak=streaks[-1] if streaks else None,
    )
