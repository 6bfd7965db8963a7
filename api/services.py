"""`GET /v1/services`: the processes that hold a lease in the registry of live services."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from faust_redis.log.services import LiveService, Services
from pydantic import BaseModel, Field

from api.kit.callers import Caller
from api.kit.context import ApiDep
from api.kit.openapi import problems
from streams.services import Kind

router = APIRouter(prefix="/v1", tags=["Stats"], responses=problems(401, 403, 503))


class Commits(BaseModel):
    """The commits of one domain in one process, as means of its last 10 s."""

    per_second: float
    mean_ms: Annotated[float | None, Field(description="how long one took; null when there was none")]


class ServiceState(BaseModel):
    """One live process, as it described itself at its last renewal."""

    name: Annotated[str, Field(examples=["worker-1@host"])]
    kind: Kind
    version: Annotated[str, Field(examples=["0.1.0"])]
    address: Annotated[str | None, Field(examples=["10.0.0.7:8001"], description="where it answers probes")]
    domains: Annotated[list[str], Field(description="the domains that it runs, or serves")]
    rulebook: Annotated[
        str | None, Field(examples=["1-5f0c9a4e21bd"], description="version and digest; null when it has loaded none")
    ]
    ready: bool
    why_not: Annotated[str | None, Field(description="what it lacks; null when ready")]
    lease_ms: Annotated[int, Field(description="milliseconds until its lease ends unless it renews it")]
    commits: Annotated[
        dict[str, Commits], Field(description="by domain, for a worker that has made two heartbeats at least")
    ] = {}


class ServicesAnswer(BaseModel):
    """All live processes, by name."""

    services: list[ServiceState]


@router.get("/services", summary="The live processes")
async def get_services(api: ApiDep, _: Caller) -> ServicesAnswer:
    """Return each process that holds a lease: an API, a worker, the bridge to Kafka, the relay and others."""
    return ServicesAnswer(services=[_state(service) for service in await Services(api.log).live()])


def _state(service: LiveService) -> ServiceState:
    return ServiceState(name=service.name, lease_ms=service.lease_ms, **service.description)
