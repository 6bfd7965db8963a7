"""How much has happened and how far the workers are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from faust_redis.log import UnknownTopicError
from pydantic import BaseModel, Field

from api.kit.context import Api, ApiDep
from api.kit.openapi import problems
from streams.times import Instant
from tables.domains import TOPOLOGY
from tables.gamification import GAMIFICATION_PROGRESS, GAMIFICATION_WATERMARK, Watermark
from tables.workers import greatest_lag, highwaters, workers_by_domain

router = APIRouter(prefix="/v1", tags=["Stats"], responses=problems(503))


class TopicStats(BaseModel):
    """One topic."""

    topic: str
    events: Annotated[int, Field(description="events ever written")]
    lag: Annotated[dict[int, int] | None, Field(description="unprocessed, by partition; null when nobody processes it")]


class WorkerStats(BaseModel):
    """The workers' group."""

    state: str
    generation: int
    alive: int


class Stats(BaseModel):
    """The pipeline at a glance."""

    topics: list[TopicStats]
    users: int
    workers: WorkerStats
    lag: Annotated[int, Field(description="events that the workers have yet to process")]
    watermark: Annotated[Instant | None, Field(description="every partition has seen events up to here")]
    latest: Annotated[Instant | None, Field(description="the newest event time seen")]
    late: Annotated[int, Field(description="events that came after their period was sealed")]


@router.get("/stats", summary="The pipeline at a glance")
async def get_stats(api: ApiDep) -> Stats:
    """Events by topic, users, lag by partition, live workers, watermarks."""
    groups = await workers_by_domain(api.log, api.config.app_id)
    behind = greatest_lag(groups, await highwaters(api.log))
    group = min(groups.values(), key=lambda group: len(group.alive))
    by_topic: dict[str, dict[int, int]] = {}
    for tp, records in behind.items():
        by_topic.setdefault(tp.topic, {})[tp.partition] = records
    seen, partitions = await _watermarks(api)
    return Stats(
        topics=[
            TopicStats(topic=topic, events=await _events(api, topic), lag=by_topic.get(topic))
            for topic in TOPOLOGY.topics
        ],
        users=await _users(api),
        workers=WorkerStats(state=group.state, generation=group.generation, alive=len(group.alive)),
        lag=sum(behind.values()),
        watermark=Instant(min(one.highest for one in seen)) if seen and len(seen) == partitions else None,
        latest=Instant(max(one.highest for one in seen)) if seen else None,
        late=sum(one.late for one in seen),
    )


async def _events(api: Api, topic: str) -> int:
    try:
        return sum((await api.log.end_offsets(topic)).values())
    except UnknownTopicError:
        return 0


async def _users(api: Api) -> int:
    try:
        return await api.tables.size(GAMIFICATION_PROGRESS.name)
    except UnknownTopicError:
        return 0


async def _watermarks(api: Api) -> tuple[list[Watermark], int]:
    try:
        found = await api.tables.rows(GAMIFICATION_WATERMARK.name)
    except UnknownTopicError:
        return [], 0
    return [Watermark.load(row.value) for row in found.rows], len(found.position.offsets)
