"""Facts: a flat map from a name to a value, the common form of the oracle's results and the API's answers."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from tests.oracle.boards import BoardKey
from tests.oracle.fold import Totals
from tests.oracle.progress import User, max_leverage

Facts = dict[str, Any]

DIFFERENCES_SHOWN = 25


def expected(totals: Totals) -> Facts:
    """Return the oracle's results as facts."""
    return expected_without_windows(totals) | _windows(totals)


def expected_without_windows(totals: Totals) -> Facts:
    """Return the oracle's results as facts, without those of windows."""
    facts: Facts = {}
    for name, user in totals.users.items():
        facts.update(_progress(name, user))
    for key in totals.boards.held():
        facts[board_name(key)] = [tuple(row) for row in totals.boards.rows(key)]
    for period, shares in totals.fees.totals.items():
        facts.update(fee_facts(period, shares.items()))
    for (name, market), position in totals.positions.items():
        facts[f"position {name} {market} realised"] = position.realised
        facts[f"position {name} {market} quantity"] = position.quantity
    return facts


def _windows(totals: Totals) -> Facts:
    facts: Facts = {}
    for (interval, begin, market), candle in totals.windows.candles().items():
        facts[candle_name(interval, begin, market)] = tuple(candle)
    for begin, hour in totals.windows.hours().items():
        facts[f"hour {instant_text(begin)}"] = tuple(hour)
    for begin, fees in totals.windows.fee_hours().items():
        facts.update(fee_hour_facts(instant_text(begin), fees.items()))
    for (name, date), day in totals.windows.days().items():
        facts[f"day {name} {date}"] = tuple(day)
    return facts


def candle_name(interval: str, begin: datetime, market: str) -> str:
    return f"candle {interval} {instant_text(begin)} {market}"


def instant_text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def fee_hour_facts(begin: str, shares: Iterable[tuple[str, int]]) -> Facts:
    """Return the fees of an hour, without those of 0."""
    return {f"fee-hour {begin} {beneficiary}": amount for beneficiary, amount in shares if amount}


def _progress(name: str, user: User) -> Iterator[tuple[str, Any]]:
    values = {
        "xp": user.xp,
        "level": user.level,
        "max_leverage": max_leverage(user.level),
        "streak": user.streak,
        "streak_best": user.streak_best,
        "streak_last_day": user.last_day,
        "trades": len(user.trades),
        "closes": user.closes,
        "wins": user.wins,
        "volume": user.volume,
        "pnl": user.pnl,
        "shards": user.shards,
        "achievements": list(user.achievements.items()),
    }
    return ((f"progress {name} {field}", value) for field, value in values.items())


def fee_facts(day: str, shares: Iterable[tuple[str, int]]) -> Facts:
    """Return the fee totals of a day.

    A total of 0 is left out in both forms, because it says the same as no total.
    """
    return {f"fees {day} {beneficiary}": amount for beneficiary, amount in shares if amount}


def board_name(key: BoardKey) -> str:
    return f"board {key.board} {key.period} {key.market or 'global'}"


def differences(right: Facts, served: Facts) -> list[str]:
    """Return the missing, wrong and surplus facts; nothing when all are equal."""
    missing = [f"missing  {name}: {right[name]}" for name in right.keys() - served.keys()]
    extra = [f"extra    {name}: {served[name]}" for name in served.keys() - right.keys()]
    wrong = [
        _difference(name, right[name], served[name])
        for name in right.keys() & served.keys()
        if right[name] != served[name]
    ]
    return sorted(missing) + sorted(extra) + sorted(wrong)


def _difference(name: str, right: Any, served: Any) -> str:
    """Describe a difference. Of lists, show only the rows that differ: a board may be long."""
    if isinstance(right, list) and isinstance(served, list):
        right, served = [row for row in right if row not in served], [row for row in served if row not in right]
    return f"differs  {name}\n    oracle {right}\n    served {served}"


def assert_equal(right: Facts, served: Facts) -> None:
    found = differences(right, served)
    shown = "\n".join(found[:DIFFERENCES_SHOWN])
    assert not found, f"{len(found)} of {len(right)} facts differ from the oracle:\n{shown}"
