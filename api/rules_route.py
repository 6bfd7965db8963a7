"""`GET /v1/rules`: the numbers of the rule book that a player wants to know."""

from __future__ import annotations

from fastapi import APIRouter

from api.kit.context import ApiDep
from api.rules import Rules

router = APIRouter(prefix="/v1", tags=["Stats"])


@router.get("/rules", summary="The rules in force")
async def get_rules(api: ApiDep) -> Rules:
    """Return levels, achievements, rewards and markets. They change with a release of the rule book alone."""
    return api.config.rules
