"""Whether the process lives, whether the pipeline is ready, and metrics."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from faust_redis.log import LogUnavailableError
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.kit.context import Api, ApiDep
from api.kit.openapi import problems
from api.kit.problems import UNAVAILABLE, Problem
from tables.workers import greatest_lag, highwaters, workers_by_domain

RETRY_AFTER_S = 2

router = APIRouter(tags=["Operation"])


class Health(BaseModel):
    """The process answers."""

    status: Annotated[str, Field(examples=["up"])] = "up"


class Readiness(BaseModel):
    """The broker answers and every partition is with a worker whose tables are complete."""

    status: Annotated[str, Field(examples=["ready"])] = "ready"
    workers: int
    generation: int


@router.get("/healthz", summary="Is the process up?")
async def healthz() -> Health:
    """Answers as long as the process lives, whatever the broker does."""
    return Health()


@router.get("/readyz", summary="Is the pipeline ready?", responses=problems(503))
async def readyz(api: ApiDep) -> Readiness:
    """Ready when the broker answers, the group is stable and all live workers have their tables recovered."""
    if api.broker.unsuitable is not None:
        raise Problem(UNAVAILABLE, str(api.broker.unsuitable), headers={"Retry-After": str(RETRY_AFTER_S)})
    groups = await workers_by_domain(api.log, api.config.app_id)
    for domain, group in groups.items():
        if not group.ready:
            why = f"{domain}: {group.why_not}"
            raise Problem(UNAVAILABLE, why, headers={"Retry-After": str(RETRY_AFTER_S)}, state=group.state)
    return Readiness(
        workers=min(len(group.alive) for group in groups.values()),
        generation=max(group.generation for group in groups.values()),
    )


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(api: ApiDep) -> Response:
    """Metrics of this process, and the workers' lag as the broker has it now."""
    await _look_at_broker(api)
    return Response(api.metrics.text(), media_type=CONTENT_TYPE_LATEST)


async def _look_at_broker(api: Api) -> None:
    try:
        groups = await workers_by_domain(api.log, api.config.app_id)
        api.metrics.show_lag(greatest_lag(groups, await highwaters(api.log)))
        api.metrics.broker_up.set(1)
    except LogUnavailableError:
        api.metrics.broker_up.set(0)
