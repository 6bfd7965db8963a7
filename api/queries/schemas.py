"""Rows as clients see them: amounts as decimal strings, times as RFC 3339. Shared by queries and feeds."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from streams.times import Instant
from streams.units import Quantity, Usd
from tables import financial, gamification, trading
from tables.boards import Board, Standing
from tables.financial import ALL_DAYS
from tables.keys import SEPARATOR
from tables.reader import Ranked

EPOCH_DAY = date(1970, 1, 1)
SCORES_IN_USD: frozenset[Board] = frozenset({"volume", "pnl"})


class Streak(BaseModel):
    """Consecutive UTC days with activity, as of the last active day."""

    days: int
    best: int
    last_day: date


class Achievement(BaseModel):
    """An achievement and when it was unlocked."""

    name: str
    at: Instant


class Progress(BaseModel):
    """A user's game profile."""

    user_id: str
    xp: int
    level: int
    max_leverage: int
    ss: Annotated[int, Field(description="stellar shards")]
    streaks: dict[str, Streak]
    achievements: list[Achievement]
    trades: int
    closes: int
    wins: int
    volume_usd: Usd
    pnl_usd: Usd
    largest_trade_usd: Usd
    updated_at: Instant


class Position(BaseModel):
    """A net position in one market."""

    market: str
    mode: str
    quantity: Annotated[Quantity, Field(description="below 0 is short")]
    average_entry: Quantity | None
    realised_pnl_usd: Usd
    unrealised_pnl_usd: Annotated[Usd, Field(description="as of `last_price`")]
    last_price: Quantity
    updated_at: Instant


class Totals(BaseModel):
    """Sums over the executions of one mode."""

    fills: int
    trades: int
    closes: int
    volume_usd: Usd
    realised_pnl_usd: Usd
    fees_usd: Usd


class Portfolio(BaseModel):
    """A user's trading summed up; practice money apart."""

    live: Totals
    practice: Totals
    practice_balance_usd: Usd
    practice_margin_usd: Usd
    updated_at: Instant


class Fee(BaseModel):
    """Fees of one source, asset, day and beneficiary; the beneficiary `total` is the whole fee."""

    source: str
    asset: str
    day: Annotated[str, Field(description="a UTC day, or `all`", examples=["2024-09-20", ALL_DAYS])]
    beneficiary: str
    amount: Usd
    count: int


class BoardRow(BaseModel):
    """A place on a leaderboard."""

    rank: int
    user_id: str
    score: Annotated[int | str, Field(description="USD as a decimal string for volume and pnl, else an integer")]
    reached_at: Instant


def progress(user_id: str, row: gamification.Progress) -> Progress:
    """A game profile."""
    return Progress(
        user_id=user_id,
        xp=row.xp,
        level=row.level,
        max_leverage=row.max_leverage,
        ss=row.ss,
        trades=row.trades,
        closes=row.closes,
        wins=row.wins,
        streaks={kind: _streak(streak) for kind, streak in row.streaks.items()},
        achievements=[Achievement(name=one.name, at=Instant(one.at)) for one in row.achievements],
        volume_usd=Usd(row.volume),
        pnl_usd=Usd(row.pnl),
        largest_trade_usd=Usd(row.largest_trade),
        updated_at=Instant(row.updated_at),
    )


def _streak(row: gamification.Streak) -> Streak:
    return Streak(days=row.days, best=row.best, last_day=EPOCH_DAY + timedelta(days=row.last_day))


def position(row: trading.Position) -> Position:
    """A position."""
    return Position(
        market=row.market,
        mode=row.mode,
        quantity=row.quantity,
        average_entry=row.average_entry,
        last_price=row.last_price,
        realised_pnl_usd=Usd(row.realised_pnl),
        unrealised_pnl_usd=Usd(row.unrealised_pnl),
        updated_at=Instant(row.updated_at),
    )


def portfolio(row: trading.Portfolio) -> Portfolio:
    """A portfolio."""
    return Portfolio(
        live=_totals(row.live),
        practice=_totals(row.practice),
        practice_balance_usd=Usd(row.practice_balance),
        practice_margin_usd=Usd(row.practice_margin),
        updated_at=Instant(row.updated_at),
    )


def _totals(row: trading.Totals) -> Totals:
    return Totals(
        fills=row.fills,
        trades=row.trades,
        closes=row.closes,
        volume_usd=Usd(row.volume),
        realised_pnl_usd=Usd(row.realised_pnl),
        fees_usd=Usd(row.fees),
    )


def fee(key: str, row: financial.FeeTotal) -> Fee:
    """A fee total, from its key and sum."""
    source, asset, day, beneficiary = key.split(SEPARATOR)
    return Fee(source=source, asset=asset, day=day, beneficiary=beneficiary, amount=Usd(row.amount), count=row.count)


def board_row(board: Board, ranked: Ranked) -> BoardRow:
    """A place on a board."""
    standing = Standing.from_sort_key(ranked.sort_key)
    score = Usd(standing.score).text() if board in SCORES_IN_USD else standing.score
    return BoardRow(rank=ranked.rank, user_id=ranked.member, score=score, reached_at=Instant(standing.reached_at))
