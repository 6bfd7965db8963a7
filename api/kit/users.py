"""Queries of one user's data, for tables with one row a user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.kit.answers import json_answer
from api.kit.audience import Audience
from api.kit.context import Api
from api.kit.openapi import problems
from api.kit.past import rows
from api.kit.problems import NOT_FOUND, Problem
from api.kit.projection import Projection
from streams.topology import TableSpec


def user_router() -> APIRouter:
    """Return a router for what belongs to one user: `/v1/users/{user_id}/<what>`."""
    return APIRouter(prefix="/v1/users", responses=problems(404, 410, 422, 503, 504))


async def user_row(
    api: Api,
    table: TableSpec[Any],
    projection: Projection[Any],
    user_id: str,
    *,
    public: tuple[Audience, Callable[[dict[str, Any]], dict[str, Any]]] | None = None,
    absent: str = "",
    at: str | None = None,
) -> Response:
    """Answer with a user's row as clients see it, and the position it is true for.

    Args:
        api: The parts of the process.
        table: A table with one row a user.
        projection: How clients see a row.
        user_id: The user.
        public: For a public route, its reader and what the public sees of a row. The owner and staff see all.
        absent: For the problem 404, when a user gets a row; may be empty.
        at: The position of an earlier answer, to show what it showed; None for the present row.

    Raises:
        Problem: 404 when the table has no row of the user, or the user is hidden from the reader.
    """
    position, [raw] = await rows(api, table, [user_id], user_id, at)
    if raw is None or (public is not None and public[0].hides(user_id)):
        detail = f"nothing is known of the user {user_id!r} yet"
        raise Problem(NOT_FOUND, f"{detail}: {absent}" if absent else detail, position=str(position))
    row: dict[str, Any] = projection.load(user_id, raw)
    if public is not None and not public[0].knows(user_id):
        row = public[1](row)
    return json_answer({**row, "position": str(position)})
