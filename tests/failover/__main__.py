"""`python -m tests.failover`: the matrix of fail-overs, as a Markdown table."""

from __future__ import annotations

import itertools
import sys
import tempfile
from pathlib import Path
from typing import Final

import click

from tests.failover.brokers import DOWN_AFTER_MS, Fsync
from tests.failover.run import Case, FaultName, Result, run

FSYNCS: Final[tuple[Fsync, ...]] = ("everysec", "always")
FAULTS: Final[tuple[FaultName, ...]] = ("kill", "behind", "partition")
HEAD: Final = (
    "| min-replicas-to-write | appendfsync | fault | acknowledged | lost | reported | promoted after | "
    "no request accepted for | no effect visible for |\n|---|---|---|---|---|---|---|---|---|"
)


@click.command(context_settings={"show_default": True})
@click.option("--min-replicas", type=click.IntRange(0, 1), help="Only this value of min-replicas-to-write.")
@click.option("--fsync", type=click.Choice(FSYNCS), help="Only this policy.")
@click.option("--fault", type=click.Choice(FAULTS), help="Only this fault.")
@click.option("--repeat", type=int, default=1, help="How often each case runs.")
@click.option("--down-after-ms", type=int, default=DOWN_AFTER_MS, help="How long a primary may not answer.")
def main(
    *, min_replicas: int | None, fsync: Fsync | None, fault: FaultName | None, repeat: int, down_after_ms: int
) -> None:
    """Let the primary fail under load in each configuration, and print what was lost and for how long it was away."""
    replicas = (0, 1) if min_replicas is None else (min_replicas,)
    cases = itertools.product(replicas, (fsync,) if fsync else FSYNCS, (fault,) if fault else FAULTS, range(repeat))
    results = []
    for count, policy, name, _ in cases:
        with tempfile.TemporaryDirectory(prefix="failover-") as directory:
            results.append(run(Case(count, policy, name, down_after_ms), Path(directory), click.echo))
            click.echo("\n".join(results[-1].failures) or "everything counts once")
            click.echo(_row(results[-1]))
    click.echo("\n".join([HEAD, *map(_row, results)]))
    sys.exit(1 if any(result.failures for result in results) else 0)


def _row(one: Result) -> str:
    case = one.case
    return (
        f"| {case.min_replicas} | {case.fsync} | {case.fault} | {one.acknowledged} | {one.lost} | {one.told} | "
        f"{one.promoted_s:.1f} s | {one.refused_s:.1f} s | {one.unseen_s:.1f} s |"
    )


if __name__ == "__main__":
    main()
