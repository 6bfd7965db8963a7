"""Where the CPU time of a fill goes: what the job itself takes, and what each promise adds to it.

    python -m tests.bench.fill_cost [--fills N]

The rules run over dictionaries in batches of 500, once whole and once without each of: decoding commands, encoding
events, encoding and decoding rows. A difference is the price of that part. Then one worker runs the whole product; what
its rules do not explain is the price of the driver: delivery, exactly-once commits and the local tables, and of the
domains whose rules are not among those over dictionaries. Last come the CPU time of each domain's thread, and its
events, batches and commits.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import click
import httpx

from deploy.replay.fills import Fill
from deploy.server.address import free_port
from streams.events import AnyEvent
from streams.events.recent import Recent
from tables.typed import Table
from tests.bench.fill_load import in_one_hour, made_fills
from tests.bench.machine import describe, lines
from tests.bench.parts.product import USERS, WARM_UP_SHARE, measured, warmed_up
from tests.bench.pipeline import UNLIMITED, Pipeline
from tests.bench.resource_usage import Spent
from tests.bench.rules_speed import Partition, by_partition
from tests.load.counters import Counters, between, of_domains

BATCH = 500
ROUNDS = 3
FRESH_S = 0.5
"""A worker tells the CPU time of its threads a quarter of a second late."""
EVENTS_MAX = 1 << 40


class Decoded(Recent):
    """A codec that has decoded all commands before."""

    def __init__(self, commands: list[bytes]) -> None:
        super().__init__(EVENTS_MAX)
        self._new = {raw: self.decode(raw) for raw in commands}

    def decode_from_client(self, raw: bytes | None) -> AnyEvent:
        return self.decode(raw)


class Unencoded(Recent):
    """A codec that encodes an event as a number."""

    def __init__(self) -> None:
        super().__init__(EVENTS_MAX)
        self._numbers = count()

    def encode(self, event: AnyEvent) -> bytes:
        raw = b"%d" % next(self._numbers)
        self._new[raw] = event
        return raw


def as_it_is(value: Any) -> Any:
    return value


def rules_us(commands: list[list[bytes]], codec: Callable[[list[bytes]], Recent], *, rows: bool) -> float:
    """Return the CPU microseconds of the rules for a fill; without `rows`, tables hold rows as they are."""
    spent: dict[str, float] = defaultdict(float)
    for part in commands:
        partition = Partition(lambda _: {}, spent, {}, codec(part))
        if not rows:
            for unit in partition.units_of_work:
                for table in unit._participants:
                    if isinstance(table, Table):
                        table._load = table._dump = as_it_is
        partition.take(part, BATCH)
    return 1e6 * sum(spent.values()) / sum(map(len, commands))


def parts_of(commands: list[list[bytes]]) -> dict[str, float]:
    """Return the microseconds a fill of the rules and of their parts, each the median of some rounds."""
    rounds = defaultdict(list)
    for _ in range(ROUNDS):
        whole = rules_us(commands, lambda _: Recent(), rows=True)
        rounds["decode commands"].append(whole - rules_us(commands, Decoded, rows=True))
        rounds["encode events"].append(whole - rules_us(commands, lambda _: Unencoded(), rows=True))
        rounds["encode and decode rows"].append(whole - rules_us(commands, lambda _: Recent(), rows=False))
        rounds["all of it"].append(whole)
    found = {name: median(values) for name, values in rounds.items()}
    whole = found.pop("all of it")
    return {"rules and event ids": whole - sum(found.values()), **found}


def by_domain(made: list[Fill], warm_up: int) -> tuple[Spent, Counters]:
    """Let one worker process fills; return what that took, and what each domain did meanwhile."""
    port = free_port("127.0.0.1", 0)
    with (
        tempfile.TemporaryDirectory() as directory,
        Pipeline(Path(directory), workers=1, limits={**UNLIMITED, "worker_port": port}) as pipeline,
    ):
        warmed_up(pipeline, made[:warm_up])
        before = counters_of(port)
        spent = measured(pipeline, made, warm_up)
        return spent, between(before, counters_of(port))


def counters_of(port: int) -> Counters:
    """Return the counters of a worker, which tells its metrics at a port."""
    time.sleep(FRESH_S)
    return Counters(of_domains(httpx.get(f"http://127.0.0.1:{port}/metrics").text))


@click.command()
@click.option("--fills", type=click.IntRange(min=1_000), default=10_000, show_default=True)
def main(fills: int) -> None:
    """Print where the CPU time of a fill goes."""
    for line in lines(describe()):
        click.echo(line)
    warm_up = fills // WARM_UP_SHARE
    for span, spread in (("weeks", list), ("one hour", in_one_hour)):
        made = spread(made_fills(warm_up + fills, users=USERS, seed=1))
        began = time.monotonic()
        parts = parts_of(by_partition(made))
        spent, counters = by_domain(made, warm_up)
        worker, broker = 1e6 * spent.worker_cpu_s / fills, 1e6 * spent.broker_cpu_s / fills
        click.echo(f"\n{fills:,} fills of {span}, in {time.monotonic() - began:.0f} s: us of CPU a fill")
        for name, cost in (*parts.items(), ("driver and tables", worker - sum(parts.values())), ("broker", broker)):
            click.echo(f"    {name:<24}{cost:7.1f}")
        click.echo(f"    {'together':<24}{worker + broker:7.1f}, {1e6 / (worker + broker):,.0f} fills/s per core")
        for domain, did in counters.domains.items():
            counts = ", ".join(f"{did[what]:,.0f} {what}" for what in ("events", "batches", "commits"))
            click.echo(f"    {domain:<24}{1e6 * did['cpu_s'] / fills:7.1f}, {counts}")


if __name__ == "__main__":
    main()
