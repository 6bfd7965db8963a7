"""`GET /v1/pipeline`: the state of each domain's workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter
from faust_redis.admin import MemberDescription
from faust_redis.log import TopicPartition
from pydantic import BaseModel, Field

from api.kit.callers import Caller
from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.pipeline import DomainState
from streams.rulebooks import LABEL, difference

router = APIRouter(prefix="/v1", tags=["Stats"], responses=problems(401, 403, 503))

ByTopic = dict[str, dict[int, int]]


class Recovery(BaseModel):
    """How far a worker has come in restoring its tables."""

    done: Annotated[bool, Field(description="all tables of its partitions are complete")]
    records: Annotated[int | None, Field(description="rows and records read so far; null once it is done")]
    total: Annotated[
        int | None, Field(description="rows and records to read in all; null while unknown and once it is done")
    ]


class Member(BaseModel):
    """A worker that holds a lease."""

    name: str
    lease_ms: Annotated[int, Field(description="milliseconds until its lease ends unless it renews it")]
    partitions: Annotated[dict[str, list[int]], Field(description="partitions assigned to this member, by topic")]
    recovery: Recovery
    rulebook: Annotated[
        str | None,
        Field(examples=["1-5f0c9a4e21bd"], description="version and digest of its rule book; null if unknown"),
    ]
    damaged: Annotated[list[str], Field(description="partitions that it holds back until they are repaired, and why")]


class Lag(BaseModel):
    """How far a domain is behind."""

    records: Annotated[int, Field(description="records still to be processed")]
    seconds: Annotated[float, Field(description="how long the oldest of them has waited, by the broker's clock")]
    at_least: Annotated[
        bool, Field(description="the oldest was written before this process looked: it has waited longer")
    ]
    partitions: Annotated[ByTopic, Field(description="records by topic and partition")]


class DomainPipeline(BaseModel):
    """One domain: its consumer group and its lag."""

    domain: str
    group: str
    state: Annotated[str, Field(examples=["stable"], description="empty, preparing, syncing or stable")]
    generation: Annotated[int, Field(description="counts the rebalances")]
    ready: Annotated[bool, Field(description="each partition is with a live worker whose tables are complete")]
    why_not: Annotated[str | None, Field(description="what is missing; null when ready")]
    members: list[Member]
    lag: Lag
    rates: Annotated[
        dict[str, float | None],
        Field(description="records a second that it processed in the last 10 s, by topic; null while unknown"),
    ]


class TopicRate(BaseModel):
    """How much a topic grows."""

    topic: str
    records: Annotated[int, Field(description="records ever written")]
    per_second: Annotated[
        float | None, Field(description="records a second that were written in the last 10 s; null while unknown")
    ]


class PipelineAnswer(BaseModel):
    """All domains; `ready` when each of them is."""

    ready: bool
    rulebook: Annotated[
        str, Field(examples=["1-5f0c9a4e21bd"], description="version and digest of the API's rule book")
    ]
    rulebooks_differ: Annotated[
        str | None, Field(description="names the members with another rule book than the API; null when there is none")
    ]
    domains: list[DomainPipeline]
    topics: list[TopicRate]


@router.get("/pipeline", summary="The workers of each domain")
async def get_pipeline(api: ApiDep, _: Caller) -> PipelineAnswer:
    """Return each domain's group, members, recovery, lag and rates, as the broker knows them now.

    For the installation's staff: the members' names tell on which machines the workers run.
    """
    states = await api.pipeline.look()
    return PipelineAnswer(
        ready=all(state.group.ready for state in states),
        rulebook=api.config.rulebook,
        rulebooks_differ=difference(api.config.rulebook, [state.group for state in states]),
        domains=[_domain(state) for state in states],
        topics=[
            TopicRate(topic=topic, records=records, per_second=per_second)
            for topic, (records, per_second) in api.pipeline.topics().items()
        ],
    )


def _domain(state: DomainState) -> DomainPipeline:
    group = state.group
    return DomainPipeline(
        domain=state.domain,
        group=group.name,
        state=group.state,
        generation=group.generation,
        ready=group.ready,
        why_not=group.why_not_ready or None,
        members=[_member(member) for member in group.members],
        lag=Lag(
            records=state.records,
            seconds=state.delay.seconds,
            at_least=state.delay.at_least,
            partitions=by_topic(state.lag),
        ),
        rates=dict(state.rates),
    )


def _member(member: MemberDescription) -> Member:
    partitions: dict[str, list[int]] = {}
    for tp in member.assignment:
        partitions.setdefault(tp.topic, []).append(tp.partition)
    done, status = member.recovered, member.status
    recovery = Recovery(done=done, records=status.get("restored"), total=status.get("total"))
    return Member(
        name=member.name,
        lease_ms=member.lease_ms,
        partitions=partitions,
        recovery=recovery,
        rulebook=member.labels.get(LABEL),
        damaged=list(member.damaged),
    )


def by_topic(lag: Mapping[TopicPartition, int]) -> ByTopic:
    """Return lags by topic and partition."""
    found: ByTopic = {}
    for tp, records in sorted(lag.items()):
        found.setdefault(tp.topic, {})[tp.partition] = records
    return found
