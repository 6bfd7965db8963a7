"""Parameters that several queries share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Query

from api.callers import Caller
from api.context import ApiDep
from api.problems import FORBIDDEN, VALIDATION, Fault, Problem
from streams.events.base import ID_PATTERN
from tables.boards import GLOBAL, MARKET_BOARDS, Board, Period, parse_period
from tables.boards import group as group_name

WAIT_MS_DEFAULT = 5_000
WAIT_MS_MAX = 30_000

UserPath = Annotated[str, Path(pattern=ID_PATTERN, description="a user's id", examples=["trader-2"])]
PeriodQuery = Annotated[
    str,
    Query(
        description="`day:2024-09-20`, `week:2024-W38`, `month:2024-09`, `season:2024-Q3` or `all`; UTC",
        examples=["day:2024-09-20"],
    ),
]
MarketQuery = Annotated[
    str | None, Query(description="one market; for the boards volume and pnl. Left out: all markets", examples=["BTC"])
]


async def own(user_id: UserPath, caller: Caller) -> str:
    """The user whose private tables are read: the caller's own, or anybody's for staff.

    Raises:
        Problem: 403 for somebody else's.
    """
    if not caller.may_read(user_id):
        raise Problem(FORBIDDEN, f"this belongs to {user_id}; it needs their token, or one of a moderator or service")
    return user_id


OwnUser = Annotated[str, Depends(own)]


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """A board, period and scope asked for, and the name of its ranking."""

    board: Board
    period: Period
    market: str | None
    group: str


async def leaderboard(
    api: ApiDep, board: Board, period: PeriodQuery = "all", market: MarketQuery = None
) -> Leaderboard:
    """The leaderboard that is asked for.

    Raises:
        Problem: 422 when there is no such period or market, or the board is not kept by market.
    """
    if market is not None and board not in MARKET_BOARDS:
        raise _invalid("market", f"the board {board} is not kept by market; {' and '.join(MARKET_BOARDS)} are")
    if market is not None and market not in api.config.markets:
        raise _invalid("market", f"there is no market {market!r}")
    try:
        parsed = parse_period(period)
    except ValueError as exc:
        raise _invalid("period", str(exc)) from exc
    return Leaderboard(board, parsed, market, group_name(board, market or GLOBAL, parsed.text))


AskedBoard = Annotated[Leaderboard, Depends(leaderboard)]


def visible(table: str, *, private: bool = False) -> Any:
    """Return a dependency that waits for `?after=` before the table is read.

    Where the table is private, the caller is authorised first: others learn nothing of positions.
    """

    async def wait(
        api: ApiDep,
        after: Annotated[
            str | None,
            Query(description="the `position` of an accepted command: answer once its effect shows", max_length=2_048),
        ] = None,
        wait_ms: Annotated[int, Query(ge=0, le=WAIT_MS_MAX, description="how long to wait for `after`")] = (
            WAIT_MS_DEFAULT
        ),
    ) -> None:
        if after is not None:
            await api.waiter.wait(after, table, wait_ms)

    async def wait_if_allowed(_user_id: OwnUser, _waited: None = Depends(wait)) -> None:
        """Wait; FastAPI resolves the dependencies in this order."""

    return Depends(wait_if_allowed if private else wait)


def _invalid(parameter: str, detail: str) -> Problem:
    return Problem(VALIDATION, detail, errors=[Fault(parameter=parameter, detail=detail)])
