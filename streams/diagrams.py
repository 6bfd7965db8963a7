"""Show a topology as text, as a Mermaid flowchart, and as the Markdown tables of docs/architecture.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from streams.asyncapi import Models, models_on
from streams.edges import CLIENTS, edges
from streams.topology import Domain, TableSpec, Topology

NONE = "-"


def text(topology: Topology, app_id: str) -> str:
    """Return each domain with its group, and what it accepts, consumes, produces and owns."""
    groups = topology.groups(app_id)
    lines = [line for domain in topology.domains for line in _lines(domain, groups[domain.name])]
    for topic, sources in topology.sources.items():
        for source in sources:
            lines += [source, *_block("produces", [topic])]
    return "\n".join(lines)


def _lines(domain: Domain, group: str) -> Iterator[str]:
    yield f"{domain.name}  (group {group})"
    yield from _block("accepts", (f"{model.__name__} in {model.topic}" for model in domain.commands))
    yield from _block("consumes", domain.consumes)
    yield from _block("produces", (_produced(domain, topic) for topic in domain.produces))
    yield from _block("tables", (f"{_shown(table)} from {', '.join(table.sources)}" for table in domain.tables))


def _block(title: str, rows: Iterable[str]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f"  {'' if number else title:<9} {row}"


def _produced(domain: Domain, topic: str) -> str:
    copied = " (a copy in every partition)" if topic in domain.broadcasts else ""
    return f"{topic}{copied} from {', '.join(domain.produces[topic])}"


def _shown(table: TableSpec[object]) -> str:
    return f"{table.name} (ranked)" if table.ranked else table.name


def mermaid(topology: Topology) -> str:
    """Return a Mermaid flowchart: clients, other sources and domains as boxes, topics as cylinders."""
    return "\n".join(("flowchart LR", *(f"    {line}" for line in _arrows(topology))))


def _arrows(topology: Topology) -> Iterator[str]:
    for topic in topology.topics:
        yield f'{_node(topic)}[("{topic}")]'
    yield from (f"{_node(source)} --> {_node(target)}" for source, target in edges(topology))


def _node(name: str) -> str:
    return name.replace(".", "_")


def topics_table(topology: Topology, models: Models) -> str:
    """Return the Markdown table of all topics of events."""
    rows = [
        (
            f"`{topic}`",
            ", ".join(model.__name__ for model in models_on(topology, topic, models)),
            ", ".join(_producers(topology, topic)),
            ", ".join(domain.name for domain in topology.consumers(topic)) or NONE,
        )
        for topic in topology.topics
    ]
    return _markdown(("Topic", "Events", "Produced by", "Consumed by"), rows)


def _producers(topology: Topology, topic: str) -> Iterator[str]:
    if topic in topology.client_topics:
        yield CLIENTS
    yield from topology.sources.get(topic, ())
    for domain in topology.producers(topic):
        yield f"{domain.name}, in every partition" if topic in domain.broadcasts else domain.name


def tables_table(topology: Topology) -> str:
    """Return the Markdown table of all tables."""
    rows = [
        (
            f"`{table.name}`",
            "standings (ranked)" if table.ranked else table.model.__name__ if table.model else "bytes",
            ", ".join(f"`{topic}`" for topic in table.sources),
        )
        for table in topology.tables
    ]
    return _markdown(("Table", "Rows", "Written from"), rows)


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (header, *rows)]
    return "\n".join([lines[0], "|---" * len(header) + "|", *lines[1:]])
