"""What belongs to one user: progress (public), positions and portfolio (the user's own)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.context import ApiDep
from api.openapi import problems
from api.problems import NOT_FOUND, Problem
from api.queries import schemas
from api.queries.parameters import OwnUser, UserPath, visible
from tables import gamification, trading
from tables.gamification import GAMIFICATION_PROGRESS
from tables.trading import TRADING_PORTFOLIO, TRADING_POSITIONS, position_keys

PositionText = Annotated[
    str,
    Field(
        description="what the answer is true for: the table's changelog, its epoch and the offset of each partition",
        examples=["astratrade-gamification-progress-changelog@5f0c:0-12.1-7"],
    ),
]

router = APIRouter(prefix="/v1/users", tags=["Users"], responses=problems(404, 410, 422, 503, 504))


class ProgressAnswer(schemas.Progress):
    """A user's game profile and the position it is true for."""

    position: PositionText


class PortfolioAnswer(schemas.Portfolio):
    """A user's portfolio and the position it is true for."""

    position: PositionText


class PositionsAnswer(BaseModel):
    """A user's positions, flat ones included, and the position of the table they are true for."""

    position: PositionText
    user_id: str
    positions: list[schemas.Position]


@router.get("/{user_id}/progress", summary="Game profile", dependencies=[visible(GAMIFICATION_PROGRESS.name)])
async def get_progress(api: ApiDep, user_id: UserPath) -> ProgressAnswer:
    """XP, level, streaks, achievements and counts of a user. Public."""
    position, raw = await api.tables.get(GAMIFICATION_PROGRESS.name, user_id, owner=user_id)
    if raw is None:
        raise _nothing(user_id, str(position))
    profile = schemas.progress(user_id, gamification.Progress.load(raw))
    return ProgressAnswer(**dict(profile), position=str(position))


@router.get(
    "/{user_id}/positions",
    summary="Net positions",
    dependencies=[visible(TRADING_POSITIONS.name, private=True)],
    responses=problems(401, 403),
)
async def get_positions(api: ApiDep, user_id: OwnUser) -> PositionsAnswer:
    """Net position in each market, live and practice apart. For the user, and for staff."""
    keys = [(key, user_id) for key in position_keys(user_id, api.config.markets)]
    position, found = await api.tables.get_many(TRADING_POSITIONS.name, keys)
    held = [schemas.position(trading.Position.load(raw)) for raw in found if raw is not None]
    return PositionsAnswer(position=str(position), user_id=user_id, positions=held)


@router.get(
    "/{user_id}/portfolio",
    summary="Portfolio",
    dependencies=[visible(TRADING_PORTFOLIO.name, private=True)],
    responses=problems(401, 403),
)
async def get_portfolio(api: ApiDep, user_id: OwnUser) -> PortfolioAnswer:
    """Sums over a user's trading, live and practice apart. For the user, and for staff."""
    position, raw = await api.tables.get(TRADING_PORTFOLIO.name, user_id, owner=user_id)
    if raw is None:
        raise _nothing(user_id, str(position))
    return PortfolioAnswer(**dict(schemas.portfolio(trading.Portfolio.load(raw))), position=str(position))


def _nothing(user_id: str, position: str) -> Problem:
    return Problem(NOT_FOUND, f"nothing is known of the user {user_id!r} yet", position=position)
