"""The leaderboard of a request, and the rows that clients get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from api.kit.audience import Audience
from api.kit.context import ApiDep
from api.kit.problems import invalid
from api.kit.public import hour_of
from streams.times import Instant
from streams.units import Usd
from tables.boards import GLOBAL, MARKET_BOARDS, Board, Period, parse_period
from tables.boards import group as group_name
from tables.rankings import Ranked

SCORES_IN_USD: frozenset[Board] = frozenset({"volume", "pnl"})

PeriodQuery = Annotated[
    str,
    Query(
        description="`day:2024-09-20`, `week:2024-W38`, `month:2024-09`, `season:2024-Q3` or `all`; UTC",
        examples=["day:2024-09-20"],
    ),
]
MarketQuery = Annotated[
    str | None, Query(description="one market, for the boards volume and pnl; all markets by default", examples=["BTC"])
]


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The board, period and scope of a request, and the name of the ranking."""

    board: Board
    period: Period
    market: str | None
    group: str


async def leaderboard(
    api: ApiDep, board: Board, period: PeriodQuery = "all", market: MarketQuery = None
) -> Leaderboard:
    """Return the leaderboard of a request.

    Raises:
        Problem: 422 when there is no such period or market, or the board is not kept by market.
    """
    if market is not None and board not in MARKET_BOARDS:
        raise invalid("market", f"the board {board} is not kept by market; {' and '.join(MARKET_BOARDS)} are")
    if market is not None and market not in api.config.markets:
        raise invalid("market", f"there is no market {market!r}")
    parsed = period_of(period)
    return Leaderboard(board, parsed, market, group_name(board, market or GLOBAL, parsed.text))


def period_of(text: str) -> Period:
    """Return the period of a request.

    Raises:
        Problem: 422 when there is no such period.
    """
    try:
        return parse_period(text)
    except ValueError as exc:
        raise invalid("period", str(exc)) from exc


class BoardRow(BaseModel):
    """A place on a leaderboard."""

    rank: int
    user_id: Annotated[str | None, Field(description="null for a private user, unless you are that user or staff")]
    score: Annotated[int | str, Field(description="USD as a decimal string for volume and pnl, else an integer")]
    reached_at: Annotated[Instant, Field(description="cut to the hour, except for staff")]


def board_row(board: Board, ranked: Ranked, audience: Audience) -> BoardRow:
    """Return a place on a board as a reader sees it."""
    standing = ranked.standing
    score = Usd(standing.score).text() if board in SCORES_IN_USD else standing.score
    reached_at = Instant(standing.reached_at)
    return BoardRow(
        rank=ranked.rank,
        user_id=None if audience.hides(ranked.member) else ranked.member,
        score=score,
        reached_at=reached_at if audience.is_staff else hour_of(reached_at),
    )


class ConstellationRow(BaseModel):
    """A place of a constellation."""

    rank: int
    constellation_id: str
    score: Annotated[int, Field(description="XP that members earned in the period")]
    reached_at: Annotated[Instant, Field(description="cut to the hour")]


def constellation_row(ranked: Ranked) -> ConstellationRow:
    """Return a place on the board of constellations."""
    standing = ranked.standing
    return ConstellationRow(
        rank=ranked.rank,
        constellation_id=ranked.member,
        score=standing.score,
        reached_at=hour_of(Instant(standing.reached_at)),
    )
