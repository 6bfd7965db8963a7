"""`GET /v1/stats`: how many events there are, and how far the workers have processed them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from fastapi import APIRouter
from faust_redis.admin import GroupDescription
from faust_redis.log import TopicPartition, UnknownTopicError
from pydantic import BaseModel, Field

from api.kit.context import Api, ApiDep
from api.kit.openapi import problems
from api.pipeline import by_topic
from streams.times import Instant
from tables.domains import TOPOLOGY
from tables.gamification import GAMIFICATION_PROGRESS, GAMIFICATION_WATERMARK
from tables.watermark import Watermark

router = APIRouter(prefix="/v1", tags=["Stats"], responses=problems(503))


class TopicStats(BaseModel):
    """One topic."""

    topic: str
    events: Annotated[int, Field(description="events ever written")]
    lag: Annotated[
        dict[int, int] | None, Field(description="unprocessed, by partition; null when no group consumes the topic")
    ]


class WorkerStats(BaseModel):
    """The workers of all domains: of the domain that has the fewest."""

    state: str
    generation: int
    alive: int


class GroupStats(WorkerStats):
    """The workers of one domain."""

    domain: str
    group: str
    lag: Annotated[int, Field(description="events that the domain has yet to process")]


class Stats(BaseModel):
    """The pipeline at a glance."""

    topics: list[TopicStats]
    users: int
    workers: WorkerStats
    groups: Annotated[list[GroupStats], Field(description="each domain's workers; more in /v1/pipeline")]
    lag: Annotated[int, Field(description="events that the slowest domain of each topic has yet to process")]
    watermark: Annotated[Instant | None, Field(description="every partition has seen events up to here")]
    latest: Annotated[Instant | None, Field(description="the newest event time seen")]
    late: Annotated[int, Field(description="events that came after their period was sealed")]


@router.get("/stats", summary="The pipeline at a glance")
async def get_stats(api: ApiDep) -> Stats:
    """Return events by topic, users, lag by partition, live workers and watermarks."""
    states = await api.pipeline.look()
    behind = _greatest(state.lag for state in states)
    lag = by_topic(behind)
    seen, partitions = await _watermarks(api)
    return Stats(
        topics=[
            TopicStats(topic=topic, events=await _events(api, topic), lag=lag.get(topic)) for topic in TOPOLOGY.topics
        ],
        users=await _users(api),
        workers=_workers(min((state.group for state in states), key=lambda group: len(group.members))),
        groups=[
            GroupStats(domain=state.domain, group=state.group.name, lag=state.records, **dict(_workers(state.group)))
            for state in states
        ],
        lag=sum(behind.values()),
        watermark=Instant(min(one.highest for one in seen)) if seen and len(seen) == partitions else None,
        latest=Instant(max(one.highest for one in seen)) if seen else None,
        late=sum(one.late for one in seen),
    )


def _greatest(lags: Iterable[Mapping[TopicPartition, int]]) -> dict[TopicPartition, int]:
    """Return, for each partition, the lag of the domain that is furthest behind."""
    greatest: dict[TopicPartition, int] = {}
    for lag in lags:
        for tp, records in lag.items():
            greatest[tp] = max(records, greatest.get(tp, 0))
    return greatest


def _workers(group: GroupDescription) -> WorkerStats:
    return WorkerStats(state=group.state, generation=group.generation, alive=len(group.members))


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
