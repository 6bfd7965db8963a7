"""Memory over time at full speed: one worker, a topic that never runs empty, retention short enough to take effect."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from faust_redis.log import Log, TopicSpec

from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from tests.bench.apps.spec import WorkerSpec
from tests.bench.drain import NAME, OUTPUT, PARTITIONS, TOPIC, check
from tests.bench.feeder import Feeder
from tests.bench.figures import figure
from tests.bench.fleet import Fleet, fleet
from tests.bench.parameters import Parameters
from tests.bench.resource_usage import Meter, Spent, resident_kib, spending
from tests.bench.result import Result

SAMPLE_S = 10.0
MINUTE_S = 60.0
LEASE_S = 10.0
DRAIN_S = 120.0
RETENTION_MS = 30_000
"""Of events and of the changelog beside its snapshot: what the broker holds stops growing after about this."""

WARM_UP_SHARE = 4
"""One part in so many of the time is not looked at for the slope: caches fill, retention begins to work."""

SLOPE_POINTS_MIN = 2

FLAT_KIB_PER_MINUTE = 256.0
"""Up to this slope memory counts as flat: 15 MiB an hour."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Resident sets at one moment, and the events committed so far."""

    minutes: float
    worker_kib: int
    broker_kib: int
    events: int


def measure(options: Parameters) -> Iterator[Result]:
    """Measure one long run for each style of agent."""
    for style in options.styles:
        with tempfile.TemporaryDirectory() as text:
            spec = WorkerSpec(
                app=NAME, url="", namespace=NAME, topic=TOPIC, output=OUTPUT, partitions=PARTITIONS, kind="table",
                style=style, store=options.store, directory=text, lease_s=LEASE_S,
            )  # fmt: skip
            with EmbeddedServer(Path(text), find_binary()) as server:
                samples, spent = asyncio.run(_soak(replace(spec, url=server.url), server.pid, options))
        yield _result(style, samples, spent)


async def _soak(spec: WorkerSpec, broker: int, options: Parameters) -> tuple[list[Sample], Spent]:
    async with Log(spec.url, spec.namespace) as log:
        await log.create_topic(TopicSpec(spec.topic, spec.partitions, retention_ms=RETENTION_MS))
        await log.create_topic(TopicSpec(spec.changelog, spec.partitions, "compact", retention_ms=RETENTION_MS))
        async with fleet(log, spec, Path(spec.directory), 1) as workers:
            meter = Meter(workers.pids, broker).begin()
            async with Feeder(log, workers.committed, spec, options.seed) as feeder:
                samples = await _watch(workers, broker, options.minutes, feeder.check, options.say)
            await workers.drained(DRAIN_S)
            spent = meter.spent(feeder.sent().total())
            await check(log, spec, feeder.sent())
            return samples, spent


async def _watch(
    workers: Fleet, broker: int, minutes: float, check_feed: Callable[[], None], say: Callable[[str], None]
) -> list[Sample]:
    """Take a sample every few seconds, and print a line each minute."""
    begun = time.monotonic()
    [worker] = workers.pids
    samples: list[Sample] = []
    for number in range(int(minutes * MINUTE_S / SAMPLE_S) + 1):
        await asyncio.sleep(max(0.0, begun + number * SAMPLE_S - time.monotonic()))
        check_feed()
        workers.check(begun + minutes * MINUTE_S + DRAIN_S, "soak")
        now = Sample(
            (time.monotonic() - begun) / MINUTE_S, resident_kib(worker), resident_kib(broker), await workers.committed()
        )
        samples.append(now)
        if number % int(MINUTE_S / SAMPLE_S) == 0:
            say(f"    minute {now.minutes:5.1f}: worker {now.worker_kib:,} KiB, broker {now.broker_kib:,} KiB, "
                f"{now.events:,} events")  # fmt: skip
    return samples


def _result(style: str, samples: Sequence[Sample], spent: Spent) -> Result:
    warm = samples[len(samples) // WARM_UP_SHARE :]
    slopes = {
        "worker": slope([(one.minutes, one.worker_kib) for one in warm]),
        "broker": slope([(one.minutes, one.broker_kib) for one in warm]),
    }
    return Result(
        f"{style} agent counting by key, full speed for {samples[-1].minutes:.1f} minutes",
        {
            **spending([spent]),
            "worker slope KiB/min": figure([slopes["worker"]]),
            "broker slope KiB/min": figure([slopes["broker"]]),
        },
        tuple(f"{process}: {verdict(value)}" for process, value in slopes.items()),
        tuple(asdict(one) for one in samples),
    )


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the least-squares line; 0 for fewer than two points."""
    if len(points) < SLOPE_POINTS_MIN:
        return 0.0
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def verdict(kib_per_minute: float) -> str:
    """Say in words whether memory is flat."""
    flat = "flat" if kib_per_minute <= FLAT_KIB_PER_MINUTE else "not flat"
    return f"{flat} after the warm-up ({kib_per_minute:+,.0f} KiB/min; up to {FLAT_KIB_PER_MINUTE:.0f} is flat)"
