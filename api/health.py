"""Probes of this process. `/v1/pipeline` reports the state of the workers, and `api/metrics_app.py` serves metrics."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.kit.context import ApiDep
from api.kit.deprecation import deprecated
from api.kit.openapi import problems
from api.kit.problems import UNAVAILABLE, Problem

RETRY_AFTER_S = 2

router = APIRouter(tags=["Operation"])


class Health(BaseModel):
    """The answer of a live process."""

    status: Annotated[str, Field(examples=["up"])] = "up"


class Readiness(BaseModel):
    """The answer of a process that takes requests."""

    status: Annotated[str, Field(examples=["ready"])] = "ready"


@router.get("/livez", summary="Is the process up?")
async def livez() -> Health:
    """Answer as long as the process lives, even when the broker is away and while the process shuts down."""
    return Health()


@router.get(
    "/healthz",
    summary="Is the process up? As /livez",
    deprecated=True,
    dependencies=[
        deprecated(
            since=datetime(2026, 11, 29, tzinfo=UTC), sunset=datetime(2027, 11, 29, tzinfo=UTC), successor="/livez"
        )
    ],
)
async def healthz() -> Health:
    """Answer as /livez does, under its older name."""
    return Health()


@router.get("/readyz", summary="Does this process take requests?", responses=problems(503))
async def readyz(api: ApiDep) -> Readiness:
    """Answer ready while the broker is suitable and the database of accounts answers, until the process is to end.

    Workers do not count here.
    """
    why_not = api.why_not_ready()
    if why_not is not None:
        raise Problem(UNAVAILABLE, why_not, headers={"Retry-After": str(RETRY_AFTER_S)})
    return Readiness()
