"""The edges of a topology: who appends to each topic, and which domain processes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from streams.topology import Topology

CLIENTS: Final = "clients"
"""What stands for all clients of the API in a graph."""


class Edge(NamedTuple):
    """One arrow. One end is a topic; the other is a domain, `CLIENTS` or another source."""

    source: str
    target: str


def edges(topology: Topology) -> Iterator[Edge]:
    """Yield all edges: of clients, of other sources, then of each domain what it consumes and what it produces."""
    yield from (Edge(CLIENTS, topic) for topic in topology.client_topics)
    for topic, sources in topology.sources.items():
        yield from (Edge(source, topic) for source in sources)
    for domain in topology.domains:
        yield from (Edge(topic, domain.name) for topic in domain.consumes)
        yield from (Edge(domain.name, topic) for topic in domain.produces)
