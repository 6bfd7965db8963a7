"""The rules of a fill over plain dictionaries: XP, levels, streaks, achievements, points of boards, fees, position.

USD amounts are integers of 1e-8 USD. The caller keeps the rows: it passes those of the fill's user, trade and market,
and stores the ones that it gets back. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from math import isqrt
from typing import Any, NamedTuple

E8 = 10**8
GLOBAL = "global"
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
SHARES_PPM = {"paymaster": 250_000, "staking_rewards": 150_000}

Row = dict[str, Any]
Condition = Callable[[Row], bool]


class Point(NamedTuple):
    """An amount to add on one board and scope."""

    board: str
    scope: str
    amount: int


class Played(NamedTuple):
    """The effect of a fill: three rows to store, points (at a time in microseconds) and fees to add, events to send.

    `first` says whether the fill is the first one of its trade. Notional and pnl are in 1e-8 USD.
    """

    progress: Row
    trade: Row
    position: Row
    at: int
    points: list[Point]
    fees: dict[str, int]
    events: list[Row]
    first: bool
    notional: int
    pnl: int


def _reached(field: str, least: int) -> Condition:
    return lambda progress: bool(progress[field] >= least)


TRADES_XP = {1: 50, 10: 100, 100: 500, 1_000: 1_000, 10_000: 2_500}
STREAK_XP = {7: 300, 30: 1_500, 100: 5_000}
LEVEL_XP = {10: 200, 25: 750, 50: 2_500, 75: 5_000, 100: 10_000}
ACHIEVEMENTS: list[tuple[str, int, Condition]] = [
    *((f"trades:{n}", xp, _reached("trades", n)) for n, xp in TRADES_XP.items()),
    ("first-profit", 25, _reached("wins", 1)),
    ("big-trade", 1000, _reached("largest", 10_000 * E8)),
    *((f"streak:{n}", xp, _reached("streak", n)) for n, xp in STREAK_XP.items()),
    *((f"level:{n}", xp, _reached("level", n)) for n, xp in LEVEL_XP.items()),
    ("win-rate", 750, lambda progress: progress["closes"] >= 10 and progress["wins"] * 10 >= progress["closes"] * 7),
]


def usd(text: str) -> int:
    """Return USD text in 1e-8 USD."""
    return int(Decimal(text) * E8)


@cache
def periods_of(day: str) -> tuple[str, ...]:
    """Return day, ISO week, month, season and all-time of a day such as `2025-01-15`."""
    at = date.fromisoformat(day)
    year, week, _ = at.isocalendar()
    season = f"season:{at.year}-Q{(at.month + 2) // 3}"
    return f"day:{day}", f"week:{year}-W{week:02d}", f"month:{day[:7]}", season, "all"


def fee_days(fill: Row) -> tuple[str, str]:
    """Return the two rows of fees that a fill changes: its day's and all-time."""
    return fill["executed_at"][:10], "all"


def level_of(xp: int) -> int:
    """Return the level that some XP allow."""
    return min(100, isqrt(xp // 100) + 1)


def new_progress() -> Row:
    """Return the progress of a new user."""
    counts = ("xp", "ss", "streak", "best", "last_day", "trades", "closes", "wins", "volume", "pnl", "largest")
    return {**dict.fromkeys(counts, 0), "level": 1, "achievements": {}}


def play(progress: Row | None, trade: Row | None, position: Row | None, fill: Row) -> Played:
    """Apply one fill to the rows of its user, its trade and its market; a row that does not exist yet is None."""
    progress = progress or new_progress()
    first = trade is None
    trade = trade or {"notional": 0, "pnl": 0, "granted": 0, "closing": False, "won": False}
    notional, pnl, fee = usd(fill["notional_usd"]), usd(fill["closed_pnl_usd"]), usd(fill["fee_usd"])
    closes = fill["closes"] or pnl != 0
    shares = split(fee)
    send = _Events(fill)
    send("TradeExecuted", {**fill, "closing": closes})
    xp_before, was_closing, was_winning = progress["xp"], trade["closing"], trade["closing"] and trade["pnl"] > 0
    percent = 100 + min(100, 5 * (touch_streak(progress, fill["executed_at"][:10], send) - 1))
    trade["notional"] += notional
    trade["pnl"] += pnl
    trade["closing"] = was_closing or closes
    for source, xp in grants(trade, was_closing=was_closing):
        gain(progress, xp * percent // 100, source, send)
    progress["trades"] += first
    progress["closes"] += trade["closing"] and not was_closing
    progress["wins"] += (trade["closing"] and trade["pnl"] > 0) - was_winning
    progress["volume"] += notional
    progress["pnl"] += pnl
    progress["largest"] = max(progress["largest"], trade["notional"])
    unlock(progress, fill["executed_at"], send)
    if fee:
        send("FeeAccrued", shares)
    points = [Point("volume", GLOBAL, notional), Point("volume", fill["market"], notional)]
    if progress["xp"] > xp_before:
        points.append(Point("xp", GLOBAL, progress["xp"] - xp_before))
    if closes:
        points += [Point("pnl", GLOBAL, pnl), Point("pnl", fill["market"], pnl)]
    if first:
        points.append(Point("trades", GLOBAL, 1))
    at = (datetime.fromisoformat(fill["executed_at"]) - EPOCH) // MICROSECOND
    position = move(position, fill, notional, pnl)
    return Played(progress, trade, position, at, points, shares, send.events, first, notional, pnl)


class _Events:
    """The events of one fill."""

    def __init__(self, fill: Row) -> None:
        self.events: list[Row] = []
        self._fill = fill

    def __call__(self, kind: str, data: Row) -> None:
        number, fill = len(self.events), self._fill
        self.events.append(
            {
                "id": f"{fill['fill_id']}/{number}",
                "type": kind,
                "user": fill["user_id"],
                "time": fill["executed_at"],
                "data": data,
            }
        )


def touch_streak(progress: Row, day: str, send: _Events) -> int:
    """Add a day of activity; return the days of the streak."""
    today = date.fromisoformat(day).toordinal()
    if today > progress["last_day"]:
        continued = today == progress["last_day"] + 1
        progress["streak"] = progress["streak"] + 1 if continued else 1
        progress["best"], progress["last_day"] = max(progress["best"], progress["streak"]), today
        send("StreakUpdated", {"days": progress["streak"], "best": progress["best"], "continued": continued})
    return int(progress["streak"])


def grants(trade: Row, *, was_closing: bool) -> Iterator[tuple[str, int]]:
    """Return the XP of a trade after a fill: its growth, its first close, its first time in profit."""
    xp = max(10, trade["notional"] // (100 * E8))
    if xp > trade["granted"]:
        yield "trade", xp - trade["granted"]
        trade["granted"] = xp
    if trade["closing"] and not was_closing:
        yield "close", 25
    if trade["closing"] and trade["pnl"] > 0 and not trade["won"]:
        yield "win", 50
        trade["won"] = True


def gain(progress: Row, xp: int, source: str, send: _Events) -> None:
    """Add XP and the levels that they bring."""
    progress["xp"] += xp
    send("XPGained", {"amount": xp, "source": source, "total_xp": progress["xp"]})
    level = level_of(progress["xp"])
    if level > progress["level"]:
        send("LevelUp", {"old": progress["level"], "new": level})
        progress["level"] = level


def unlock(progress: Row, at: str, send: _Events) -> None:
    """Unlock achievements in their order, again and again until none unlocks."""
    have, before = progress["achievements"], -1
    while before != len(have):
        before = len(have)
        for name, xp, holds in ACHIEVEMENTS:
            if name not in have and holds(progress):
                have[name] = at
                progress["ss"] += 2 * xp
                send("AchievementUnlocked", {"achievement": name, "xp": xp, "ss": 2 * xp})
                gain(progress, xp, "achievement", send)


def split(fee: int) -> dict[str, int]:
    """Return the shares of a fee, rounded down, with the remainder to the treasury, and the total."""
    shares = {name: fee * ppm // 1_000_000 for name, ppm in SHARES_PPM.items()}
    return {**shares, "treasury": fee - sum(shares.values()), "total": fee}


def move(position: Row | None, fill: Row, notional: int, pnl: int) -> Row:
    """Return a net position after a fill: signed quantity, cost of the open quantity, realised pnl."""
    position = position or {"quantity": "0", "cost": 0, "realised": 0}
    traded = Decimal(fill["size"])
    held, change = Decimal(position["quantity"]), traded if fill["side"] == "buy" else -traded
    if held * change >= 0:
        cost = position["cost"] + notional
    elif traded < abs(held):
        cost = position["cost"] - half_up(position["cost"], traded, abs(held))
    else:
        cost = half_up(notional, traded - abs(held), traded)
    return {"quantity": str(held + change), "cost": cost, "realised": position["realised"] + pnl}


def half_up(amount: int, part: Decimal, whole: Decimal) -> int:
    """Return the part of an amount that belongs to a part of a quantity, rounded half up."""
    (a, b), (c, d) = part.as_integer_ratio(), whole.as_integer_ratio()
    over, under = amount * a * d, b * c
    return (2 * over + under) // (2 * under)


def added(standing: list[Any] | None, amount: int, at: int) -> list[Any]:
    """Return a standing after an amount: score, time of reaching it, and whether any amount was not 0."""
    if standing is None:
        return [amount, at, amount != 0]
    return [standing[0] + amount, at, True] if amount else standing


def boards_of(standings: Mapping[tuple[str, str], Sequence[Any]]) -> dict[str, list[tuple[str, int, int]]]:
    """Return the boards, best first, from standings by board and user."""
    boards: dict[str, list[tuple[str, int, int]]] = {}
    for (board, user), (score, at, *_) in standings.items():
        boards.setdefault(board, []).append((user, score, at))
    return {board: ranked(rows) for board, rows in boards.items()}


def ranked(standings: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Sort users, scores and times of reaching them: score descending, then time, then user id."""
    return sorted(standings, key=lambda one: (-one[1], one[2], one[0].encode()))
