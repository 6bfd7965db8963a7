"""`python -m tests.bench`: measure this product on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from tests.bench.apps import STYLES
from tests.bench.catalog import PARTS, part
from tests.bench.machine import bare_loop, describe, lines, load, require_proc
from tests.bench.parameters import Parameters


def _numbers(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, ...]:
    """Parse `1,2,4` as numbers."""
    del context
    if value is None:
        return ()
    if not all(number.isdecimal() and int(number) for number in value.split(",")):
        raise click.BadParameter(f"{value!r} is not a list of numbers such as 1,2,4", param=parameter)
    return tuple(int(number) for number in value.split(","))


COUNT = click.IntRange(min=1)
AMOUNT = click.FloatRange(min=0, min_open=True)
LIST = "\n".join(f"  {name:<11}{what}" for name, what in PARTS.items())


@click.command(epilog=f"\b\nParts:\n{LIST}")
@click.argument("parts", nargs=-1, metavar="[PART]...")
@click.option("--runs", type=COUNT, default=3, show_default=True, help="Runs of each measurement.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the loads; each run takes the next.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Also write all results here.")
@click.option("--events", type=COUNT, default=200_000, show_default=True, help="Events of a run of agents.")
@click.option("--style", type=click.Choice(STYLES), help="How the agents are written.  [default: all ways]")
@click.option("--store", default="faust-redis-rocksdb://", show_default=True, help="Store of the agents' table.")
@click.option("--load", type=AMOUNT, default=0.5, show_default=True, help="latency, community: part of the throughput.")
@click.option("--share-cores", is_flag=True, help="latency: give the worker no core of its own.")
@click.option("--workers", callback=_numbers, metavar="N,N...", help="Workers of scaling [1,2,4] and product [1,2].")
@click.option("--fills", type=COUNT, default=10_000, show_default=True, help="Fills of product and startup.")
@click.option("--people", type=COUNT, default=1_000, show_default=True, help="community: how many people.")
@click.option("--days", type=COUNT, default=14, show_default=True, help="community: how many simulated days.")
@click.option("--requests", type=COUNT, default=3_000, show_default=True, help="Requests of an ingress run.")
@click.option("--rate", type=AMOUNT, default=100.0, show_default=True, help="visible: fills per second.")
@click.option("--seconds", type=AMOUNT, default=10.0, show_default=True, help="Length of latency, visible, feed runs.")
@click.option("--subscribers", type=COUNT, default=500, show_default=True, help="feed: readers; a 25th more are slow.")
@click.option("--flood", type=COUNT, default=10_000, show_default=True, help="flood: feeds asked for without a token.")
@click.option("--feed-rate", type=AMOUNT, default=75.0, show_default=True, help="feed: fills per second.")
@click.option("--row-rate", type=AMOUNT, default=1_000.0, show_default=True, help="feed: rows per second.")
@click.option("--outbox-rate", type=AMOUNT, default=500.0, show_default=True, help="outbox: rows per second.")
@click.option("--commits", type=COUNT, default=2_000, show_default=True, help="Commits of a commit run.")
@click.option("--players", type=COUNT, default=100_000, show_default=True, help="Players on all boards.")
@click.option("--keys", type=COUNT, default=1_000_000, show_default=True, help="Keys of a recovery run.")
@click.option("--lease", type=AMOUNT, default=2.0, show_default=True, help="failover: the lease, in seconds.")
@click.option("--standbys", type=click.IntRange(min=0), default=0, show_default=True, help="Standbys in restarts.")
@click.option("--minutes", type=AMOUNT, default=20.0, show_default=True, help="soak: how long.")
def bench(parts: tuple[str, ...], file: Path | None, style: str | None, **options: Any) -> None:
    """Measure this product on this machine: the parts that are named, or all of them (an hour or so).

    The command prints date, load and machine. For each part it prints how many events a bare loop decodes and counts
    (the machine's present speed, for comparing runs), and medians with the least and greatest of the runs.

    Loads come from a seed. Each run begins with a warm-up that is not counted. A run that measures the broker's memory
    has a broker of its own. Agents and product end a run when everything is committed, and the bench checks their
    final tables. `per core` divides by the CPU seconds of the workers alone. Load, broker and workers share the
    machine's cores, so use a machine that does nothing else. Linux only: the bench reads /proc.

    \b
    Examples:
      python -m tests.bench agent latency --runs 5 --json results.json
      python -m tests.bench soak --minutes 20
    """
    unknown = set(parts) - PARTS.keys()
    if unknown:
        raise click.UsageError(f"unknown parts: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    parameters = Parameters(styles=(style,) if style else STYLES, say=click.echo, **options)
    require_proc()
    machine = describe()
    click.echo("\n".join(lines(machine)) + "\n")
    found: dict[str, dict[str, Any]] = {}
    for name in parts or PARTS:
        found[name] = {"load": load(), "bare_loop_events_per_s": round(bare_loop()), "figures": []}
        click.echo(
            f"{name}, at a load of {found[name]['load']}; "
            f"a bare loop counts {found[name]['bare_loop_events_per_s']:,} events/s"
        )
        for result in part(name)(parameters):
            click.echo("\n".join(result.lines()))
            found[name]["figures"].append(result.as_json())
        if file is not None:  # Write after each part, so that a part that fails later loses no earlier figures.
            file.write_text(json.dumps({**machine, "options": _shown(parameters), "results": found}, indent=2) + "\n")


def _shown(parameters: Parameters) -> dict[str, Any]:
    """Return the options of a run, for its results."""
    options = asdict(parameters)
    del options["say"]
    return options
