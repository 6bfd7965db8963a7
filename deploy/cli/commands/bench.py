"""`astratrade bench`: measure what this product needs on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from deploy.bench import machine, memory, report
from deploy.bench.load import KINDS
from streams.topics import PARTITIONS_DEFAULT

STEPS_MIN: Final = memory.STEPS
COUNT: Final = click.IntRange(min=STEPS_MIN)


@click.group()
def bench() -> None:
    """Measure what this product needs on this machine, on a broker of its own.

    \b
    Example:
      astratrade bench memory
    """


@bench.command(name="memory")
@click.option("--fills", type=COUNT, default=4_000, show_default=True, help="How many fills.")
@click.option("--users", type=COUNT, default=400, show_default=True, help="How many users.")
@click.option("--acts", type=COUNT, default=1_000, show_default=True, help="How many acts of each other kind.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), default=100.0, show_default=True, help="Acts/s.")
@click.option(
    "--partitions", type=click.IntRange(min=1), default=PARTITIONS_DEFAULT, show_default=True, help="Of a topic."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the loads.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Also write the report here.")
def memory_command(
    *, fills: int, users: int, acts: int, rate: float, partitions: int, seed: int, file: Path | None
) -> None:
    """Measure the bytes of a user, a fill and an act of each domain: on the broker, and on the disk of a worker.

    The command starts an embedded server and a worker in a temporary directory, and never touches another broker. It
    appends events as the API and the other processes do, and fits a line through what the keys take after each
    quarter of a load. Some three minutes.

    \b
      events     until ASTRA_RETENTION_MS
      changes    of tables, until ASTRA_TAIL_MS
      rows       of tables, and rankings: for good, or as long as their window
      disk       the rows in a worker's RocksDB

    \b
    Example:
      astratrade bench memory --json memory.json
    """
    sizes = dict.fromkeys(KINDS, acts) | {"fill": fills, "user": users, "mint": users}
    described = machine.describe()
    click.echo("\n".join(f"{name:<10}{value}" for name, value in described.items()))
    found = memory.measure(sizes, rate=rate, seed=seed, partitions=partitions, say=click.echo)
    click.echo("\n".join(report.lines(found, sizes)))
    if file is not None:
        options: dict[str, Any] = {"sizes": sizes, "rate": rate, "partitions": partitions, "seed": seed}
        whole = {**described, "options": options, **report.as_json(found)}
        file.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
