"""The sealed periods of a board, the latest first, with their digests. Public."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from api.gamification.boards import shown_digest
from api.gamification.requested import MarketQuery, leaderboard
from api.gamification.seals import Seals, sealed_to
from api.kit.callers import AudienceDep
from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.limits.charge import charge_items
from streams.times import Instant
from tables.boards import Board, Period, periods_of
from tables.gamification import GAMIFICATION_BOARDS

LIMIT_DEFAULT = 10
LIMIT_MAX = 50

PeriodKind = Literal["day", "week", "month", "season"]

router = APIRouter(
    prefix="/v1/leaderboards", responses=problems(410, 422, 503, 504), dependencies=[visible(GAMIFICATION_BOARDS)]
)


class SealedPeriod(BaseModel):
    """A period of a board that no event can change any more."""

    period: str
    end: Instant
    sealed_at: Annotated[Instant, Field(description="event time at which the last partition sealed it")]
    users: Annotated[int, Field(description="users on the board")]
    digest: Annotated[str, Field(description="as proofs of ranks name it, for staff; keyed for others")]


class SealedPeriods(BaseModel):
    """The latest sealed periods of a board, those without a user left out."""

    board: Board
    market: str | None
    sealed_to: Annotated[Instant | None, Field(description="all periods that end here or earlier are sealed")]
    periods: list[SealedPeriod]


def ended(kind: PeriodKind, time: int) -> Iterator[Period]:
    """Yield the periods of a kind that have ended at a time, in microseconds since 1970: the latest first."""
    while time > 0:
        period = next(one for one in periods_of(Instant(time - 1)).listed if one.kind == kind)
        if period.end is not None and period.end <= time:
            yield period
        time = period.start or 0


@router.get("/{board}/sealed", summary="Sealed periods of a board")
async def get_sealed(
    api: ApiDep,
    board: Board,
    audience: AudienceDep,
    request: Request,
    *,
    kind: Annotated[PeriodKind, Query(description="the kind of the periods")] = "week",
    market: MarketQuery = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="periods to look at, empty ones included")] = (
        LIMIT_DEFAULT
    ),
) -> SealedPeriods:
    """Return the latest sealed periods of a board with their digests. Each after the first costs a unit."""
    await charge_items(request.scope, limit)
    until = await sealed_to(api.tables)
    epoch = (await api.tables.position(GAMIFICATION_BOARDS.name)).epoch
    found = []
    for period, _ in zip(ended(kind, until), range(limit), strict=False):
        requested = await leaderboard(api, board, period.text, market)
        seal = await api.part(Seals).seal(requested.group, period, epoch)
        if seal is not None and seal.users and period.end is not None:
            digest = shown_digest(api, seal.digest, audience)
            sealed_at = Instant(seal.sealed_at)
            end = Instant(period.end)
            found.append(
                SealedPeriod(period=period.text, end=end, sealed_at=sealed_at, users=seal.users, digest=digest)
            )
    return SealedPeriods(board=board, market=market, sealed_to=Instant(until) if until else None, periods=found)
