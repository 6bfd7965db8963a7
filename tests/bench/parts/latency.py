"""Latency from append to committed output, at a share of the same agent's throughput, measured just before.

Events are due at fixed times, whether or not earlier ones are done (open loop), so that a slow moment shows in every
event that it delays. A separate process appends the events. This process reads the output topic (XREAD) and notes each
arrival. The worker has a core of its own, unless the cores are shared on request or there is only one.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from faust_redis.log import TopicPartition

from deploy.server import process
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from tests.bench import cores, module, payload
from tests.bench.drain import NAME, OUTPUT, PARTITIONS, TOPIC, Job, check, drain, number_of, warm_fleet
from tests.bench.figures import Figure, figure, percentile
from tests.bench.fleet import Fleet
from tests.bench.open_loop import Load, moments
from tests.bench.parameters import Parameters
from tests.bench.parts.agent import job_of, title
from tests.bench.result import Result

BLOCK_MS = 50
READ_RECORDS = 500
PATIENCE_S = 60.0
"""How much longer than the load itself its outputs may take."""

MS = 1_000


@dataclass(frozen=True)
class Latencies:
    """The latency in seconds of each event of one run."""

    from_append_s: list[float]
    from_due_s: list[float]
    late_s: list[float]
    """How much later than due the producer began to append: what of the delay is not the pipeline's."""


def measure(options: Parameters) -> Iterator[Result]:
    """Measure throughput first, then latency at a share of it, for each style of agent."""
    for style in options.styles:
        job = job_of(options, "output", style, options.store)
        per_second = [job.events / drain(job, seed).wall_s for seed in options.seeds()]
        rate = options.load * statistics.median(per_second)
        with cores.one_core_apart(not options.share_cores) as core:
            runs = [latencies(job, rate, options.seconds, seed, core) for seed in options.seeds()]
        where = "all processes share the cores" if core is None else "the worker has a core of its own"
        yield Result(
            f"{title(job)}; open loop at {options.load:g} of its throughput, {rate:,.0f}/s for {options.seconds:g} s; "
            f"{where}",
            {
                "throughput, events/s": figure(per_second),
                "append to output p50 ms": _ms([run.from_append_s for run in runs], 50),
                "append to output p99 ms": _ms([run.from_append_s for run in runs], 99),
                "due to output p50 ms": _ms([run.from_due_s for run in runs], 50),
                "due to output p99 ms": _ms([run.from_due_s for run in runs], 99),
                "producer late p99 ms": _ms([run.late_s for run in runs], 99),
            },
        )


def _ms(runs: list[list[float]], percent: float) -> Figure:
    return figure([MS * percentile(run, percent) for run in runs])


def latencies(job: Job, rate: float, seconds: float, seed: int, core: int | None = None) -> Latencies:
    """Measure one run on a broker of its own. The worker runs on `core` only, if there is one.

    Raises:
        DeployError: when an event has no output, or several.
    """
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        with EmbeddedServer(directory, find_binary()) as server:
            load = Load(
                url=server.url,
                namespace=NAME,
                topic=TOPIC,
                partitions=PARTITIONS,
                first=job.warm_up,
                count=max(1, int(rate * seconds)),
                per_second=rate,
                seed=seed,
                out=str(directory / "moments"),
            )
            return asyncio.run(_latencies(job, load, server, directory, core))


async def _latencies(job: Job, load: Load, server: EmbeddedServer, directory: Path, core: int | None) -> Latencies:
    first = payload.records(TOPIC, PARTITIONS, job.warm_up, load.seed)
    patience_s = load.count / load.per_second + PATIENCE_S
    async with warm_fleet(job, server, directory, first) as workers:
        if core is not None:
            cores.move(workers.pids, core)
        producer = module.spawn("tests.bench.open_loop", load.dumps())
        try:
            seen = await _watch(workers, load, time.monotonic() + patience_s)
            await asyncio.to_thread(producer.wait, PATIENCE_S)
        finally:
            process.kill(producer)
        sent = payload.records(TOPIC, PARTITIONS, load.count, load.seed, load.first)
        await workers.drained(PATIENCE_S)
        await check(workers.log, workers.spec, payload.counted(first + sent))
    due, appended = moments(Path(load.out))
    return Latencies(
        from_append_s=[received_at - at for received_at, at in zip(seen, appended, strict=True)],
        from_due_s=[received_at - at for received_at, at in zip(seen, due, strict=True)],
        late_s=[at - due_s for at, due_s in zip(appended, due, strict=True)],
    )


async def _watch(workers: Fleet, load: Load, deadline: float) -> list[float]:
    """Return when the output of each event of the load was read."""
    offsets = {TopicPartition(OUTPUT, p): end for p, end in (await workers.log.end_offsets(OUTPUT)).items()}
    seen = [0.0] * load.count
    missing = load.count
    while missing:
        workers.check(deadline, "send all outputs")
        batch = await workers.log.fetch(offsets, count=READ_RECORDS, block_ms=BLOCK_MS)
        now = time.monotonic()
        for place, records in batch.items():
            offsets[place] = records[-1].offset + 1
            missing -= len(records)
            for record in records:
                seen[number_of(record.value) - load.first] = now
    return seen
