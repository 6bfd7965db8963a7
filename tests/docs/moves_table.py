"""The Markdown table of where rows go when topics get more partitions."""

from __future__ import annotations

from collections import defaultdict

from tables.domains import TOPOLOGY
from tables.resizing.product import RULES


def moves_table() -> str:
    """Return a table of the rules, each with its tables."""
    tables: dict[str, list[str]] = defaultdict(list)
    for table in TOPOLOGY.tables:
        tables[RULES[table.name].text].append(f"`{table.name}`")
    lines = [f"| {text} | {', '.join(names)} |" for text, names in tables.items()]
    return "\n".join(["| Rows | Tables |", "|---|---|", *lines])
