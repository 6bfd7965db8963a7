"""`GET /v1/pipeline/topology`: what the installation's domains consume, produce and own."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.kit.callers import Caller
from api.kit.context import ApiDep
from api.kit.openapi import problems
from streams.edges import CLIENTS, edges
from streams.topology import Topology
from tables.domains import TOPOLOGY

router = APIRouter(prefix="/v1/pipeline", tags=["Stats"], responses=problems(401, 403))

TOPIC_EXAMPLE: Final = "astra.trading.commands.v1"


class TopologyTable(BaseModel):
    """A table of a domain."""

    table: Annotated[str, Field(examples=["trading-accounts"])]
    rows: Annotated[str | None, Field(examples=["Account"], description="the type of its rows; null for bytes")]
    ranked: bool
    sources: Annotated[list[str], Field(description="the topics whose events change it")]


class TopologyDomain(BaseModel):
    """A domain: a consumer group with its tables."""

    domain: Annotated[str, Field(examples=["trading"])]
    group: Annotated[str, Field(examples=["astratrade-trading"])]
    commands: Annotated[list[str], Field(examples=[["OpenTrade"]], description="what clients may ask of it")]
    tables: list[TopologyTable]


class TopologyTopic(BaseModel):
    """A topic of events."""

    topic: Annotated[str, Field(examples=[TOPIC_EXAMPLE])]
    broadcast: Annotated[bool, Field(description="every partition gets a copy of each event")]


class TopologyEdge(BaseModel):
    """An arrow from who appends to a topic, or from a topic to the domain that processes it."""

    source: Annotated[str, Field(examples=[TOPIC_EXAMPLE])]
    target: Annotated[str, Field(examples=["trading"])]


class TopologyAnswer(BaseModel):
    """The nodes and edges of the pipeline's graph, which change with a release only, and where Grafana is."""

    sources: Annotated[
        list[str], Field(examples=[["clients", "clock"]], description="who appends from outside of the domains")
    ]
    domains: list[TopologyDomain]
    topics: list[TopologyTopic]
    edges: list[TopologyEdge]
    grafana_url: Annotated[str, Field(examples=["https://grafana.example.com"], description="empty without Grafana")]


@router.get("/topology", summary="The topology")
async def get_topology(api: ApiDep, _: Caller) -> TopologyAnswer:
    """Return the domains with their groups and tables, the topics, the edges between them, and the address of Grafana.

    For the staff.
    """
    groups = TOPOLOGY.groups(api.config.app_id)
    return TopologyAnswer(
        sources=_sources(TOPOLOGY),
        domains=[
            TopologyDomain(
                domain=domain.name,
                group=groups[domain.name],
                commands=[model.__name__ for model in domain.commands],
                tables=[
                    TopologyTable(
                        table=table.name,
                        rows=table.model.__name__ if table.model else None,
                        ranked=table.ranked,
                        sources=list(table.sources),
                    )
                    for table in domain.tables
                ],
            )
            for domain in TOPOLOGY.domains
        ],
        topics=[TopologyTopic(topic=topic, broadcast=topic in TOPOLOGY.broadcasts) for topic in TOPOLOGY.topics],
        edges=[TopologyEdge(source=edge.source, target=edge.target) for edge in edges(TOPOLOGY)],
        grafana_url=api.config.grafana_url,
    )


def _sources(topology: Topology) -> list[str]:
    return [CLIENTS, *dict.fromkeys(source for sources in topology.sources.values() for source in sources)]
