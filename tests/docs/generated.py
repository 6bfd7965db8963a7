"""Blocks of the documentation that are generated from the code; `python -m tests.docs.generated` updates them.

A block is delimited by `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from streams.diagrams import mermaid, tables_table, topics_table
from streams.events import CATALOGUE, EventData
from tables.domains import TOPOLOGY
from tests.client.typed_models import document
from tests.docs import capacity_tables
from tests.docs.chart_values import chart_values_table
from tests.docs.feeds_table import feeds_table
from tests.docs.metrics_table import metrics_table
from tests.docs.moves_table import moves_table
from tests.docs.socket_messages import messages_table

ROOT: Final = Path(__file__).parents[2]
BLOCK: Final = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def product_models() -> tuple[type[EventData], ...]:
    """Return the event classes of the product, without those that tests define."""
    return tuple(model for model in CATALOGUE.values() if model.__module__.startswith("streams.events."))


def past_queries() -> str:
    """Return a Markdown table of the queries that show rows of the past, by their parameter `at`."""
    found = [
        f"| `{path}` | {operation['summary']} |"
        for path, operations in document()["paths"].items()
        for operation in operations.values()
        if any(parameter["name"] == "at" for parameter in operation.get("parameters", ()))
    ]
    return "\n".join(["| Query | Shows |", "|---|---|", *sorted(found)])


GENERATORS: Final[dict[str, Callable[[], str]]] = {
    "topics": lambda: topics_table(TOPOLOGY, product_models()),
    "tables": lambda: tables_table(TOPOLOGY),
    "socket-messages": messages_table,
    "past-queries": past_queries,
    "feeds": feeds_table,
    "chart-values": chart_values_table,
    "metrics": metrics_table,
    "memory-shares": capacity_tables.shares,
    "memory-sums": capacity_tables.sums,
    "moves": moves_table,
    "topology": lambda: f"```mermaid\n{mermaid(TOPOLOGY)}\n```",
}


def generated(page: str) -> str:
    """Return a page with its blocks generated again."""
    return BLOCK.sub(lambda found: f"{found[1]}{GENERATORS[found[2]]()}\n{found[3]}", page)


def blocks(page: str) -> list[str]:
    """Return the names of the blocks of a page."""
    return [found[2] for found in BLOCK.finditer(page)]


if __name__ == "__main__":
    for path in sorted((ROOT / "docs").rglob("*.md")):
        path.write_text(generated(path.read_text("utf-8")), "utf-8")
