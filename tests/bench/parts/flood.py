"""What a crowd without tokens can do to an API process: latency of others, memory, and the feed of a known caller."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvloop
from faust_redis.log import Log, Record
from faust_redis.log.partitioner import partition_for

from api.auth import Role
from api.limits.caps import HEAD_TIMEOUT_S
from api.trading.examples import ORDER
from deploy.errors import DeployError
from streams.topics import NAMESPACE
from streams.topology import changelog_topic
from tables.domains import TOPOLOGY
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tests.bench.crowd import UNFINISHED, Crowd, endless_header
from tests.bench.figures import figure, percentile
from tests.bench.parameters import Parameters
from tests.bench.pipeline import Pipeline
from tests.bench.resource_usage import KIB_PER_MIB, peak_mib, resident_kib
from tests.bench.result import Result

APP, PARTITIONS = "astratrade", 4
FEEDS_PER_ADDRESS = 100
SLOW_SHARE = 0.1
UNFINISHED_SHARE = 0.1
"""Of each unfinished kind, this share of the feeds."""

HEADER_BYTES = 100_000_000
PROBE_EVERY_S = 0.05
TIMEOUT_S = 120.0
MS = 1_000


@dataclass(frozen=True)
class FloodRun:
    """The figures of a run."""

    alone_s: list[float]
    during_s: list[float]
    opened: int
    refused: int
    own_feed_s: float
    order_s: list[float]
    rest_mib: float
    peak_mib: float
    closed_share: float
    header_bytes: int
    header_s: float


def measure(options: Parameters) -> Iterator[Result]:
    """Open feeds and connections without a token, more than the API has slots for."""
    runs = [_measured(options.flood, options.seconds) for _ in options.seeds()]
    yield Result(
        f"{options.flood:,} feeds asked for without a token, {SLOW_SHARE:.0%} of them not read; "
        f"{len(UNFINISHED)} x {int(options.flood * UNFINISHED_SHARE):,} requests not finished; a header of 100 MB",
        {
            "/healthz alone p50 ms": figure([MS * percentile(run.alone_s, 50) for run in runs]),
            "/healthz alone p99 ms": figure([MS * percentile(run.alone_s, 99) for run in runs]),
            "/healthz during p50 ms": figure([MS * percentile(run.during_s, 50) for run in runs]),
            "/healthz during p99 ms": figure([MS * percentile(run.during_s, 99) for run in runs]),
            "/healthz during most ms": figure([MS * max(run.during_s) for run in runs]),
            "feeds opened": figure([run.opened for run in runs]),
            "feeds refused": figure([run.refused for run in runs]),
            "feed with a token ms": figure([MS * run.own_feed_s for run in runs]),
            "order accepted p50 ms": figure([MS * percentile(run.order_s, 50) for run in runs]),
            "API MiB at rest": figure([run.rest_mib for run in runs]),
            "API peak MiB": figure([run.peak_mib for run in runs]),
            "unfinished closed": figure([run.closed_share for run in runs]),
            "header bytes until 431": figure([run.header_bytes for run in runs]),
            "ms until 431": figure([MS * run.header_s for run in runs]),
        },
    )


def _measured(feeds: int, seconds: float) -> FloodRun:
    slots = {
        "feeds_max": feeds // 2,
        "feeds_anonymous_max": feeds * 2 // 5,
        "feeds_per_address_max": FEEDS_PER_ADDRESS,
        "connections_max": max(1_000, feeds * 6 // 5),
    }
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=0, limits=slots) as pipeline:
        return uvloop.run(_run(pipeline, feeds, seconds, pipeline.token(Role.USER)))


async def _run(pipeline: Pipeline, feeds: int, seconds: float, bearer: str) -> FloodRun:
    await _create_topics(pipeline)
    crowd, rest_mib = Crowd(pipeline.url), resident_kib(pipeline.api.pid) / KIB_PER_MIB
    token = {"Authorization": f"Bearer {bearer}"}
    async with httpx.AsyncClient(base_url=pipeline.url, timeout=TIMEOUT_S) as client:
        alone = await _probes(client, seconds)
        during: list[float] = []
        probing = asyncio.create_task(_probe(client, during))
        await crowd.follow(feeds, FEEDS_PER_ADDRESS, SLOW_SHARE)
        writing = asyncio.create_task(_write(pipeline, seconds))
        own_feed_s = await _open_feed(client, token)
        orders = [await _timed(client.post("/v1/trades", json=ORDER, headers=token), 202) for _ in range(20)]
        await writing
        unfinished = int(feeds * UNFINISHED_SHARE)
        await crowd.linger(unfinished, FEEDS_PER_ADDRESS)
        sent, header_s = await endless_header(pipeline.url, HEADER_BYTES)
        await asyncio.sleep(HEAD_TIMEOUT_S + 2)
        closed = crowd.closed(len(UNFINISHED) * unfinished)
        probing.cancel()
        with suppress(asyncio.CancelledError):
            await probing
    await crowd.leave()
    opened = crowd.statuses[200]
    if opened > feeds * 2 // 5 or set(crowd.statuses) > {200, 429, 503}:
        raise DeployError(f"the API opened {opened} feeds; its answers were {dict(crowd.statuses)}")
    return FloodRun(
        alone_s=alone,
        during_s=during,
        opened=opened,
        refused=crowd.statuses[503] + crowd.statuses[429],
        own_feed_s=own_feed_s,
        order_s=orders,
        rest_mib=rest_mib,
        peak_mib=peak_mib(pipeline.api.pid),
        closed_share=closed / (len(UNFINISHED) * unfinished),
        header_bytes=sent,
        header_s=header_s,
    )


async def _create_topics(pipeline: Pipeline) -> None:
    """Create the topics of tables, as the first worker does."""
    async with Log(pipeline.server.url, NAMESPACE) as log:
        for spec in TOPOLOGY.changelog_specs(APP, PARTITIONS):
            await log.create_topic(spec)


async def _timed(request: Awaitable[httpx.Response], status: int) -> float:
    begun = time.perf_counter()
    answer = await request
    if answer.status_code != status:
        raise DeployError(f"the API answered {answer.status_code}: {answer.text[:300]}")
    return time.perf_counter() - begun


async def _probe(client: httpx.AsyncClient, latencies_s: list[float]) -> None:
    while True:
        latencies_s.append(await _timed(client.get("/healthz"), 200))
        await asyncio.sleep(PROBE_EVERY_S)


async def _probes(client: httpx.AsyncClient, seconds: float) -> list[float]:
    found: list[float] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _probe(client, found)
    return found


async def _open_feed(client: httpx.AsyncClient, token: dict[str, str]) -> float:
    """Return the seconds until a caller with a token has the snapshot of a feed."""
    begun = time.perf_counter()
    async with client.stream("GET", "/v1/feed/progress", headers=token) as answer:
        if answer.status_code != httpx.codes.OK:
            raise DeployError(f"no slot for a caller with a token: {(await answer.aread())[:300]!r}")
        async for line in answer.aiter_lines():
            if '"last":true' in line:
                break
    return time.perf_counter() - begun


async def _write(pipeline: Pipeline, seconds: float) -> None:
    """Change a row each 50 ms, which every feed carries."""
    topic = changelog_topic(APP, GAMIFICATION_PROGRESS.name)
    async with Log(pipeline.server.url, NAMESPACE) as log:
        for number in range(int(seconds / PROBE_EVERY_S)):
            key = f"trader-{number}".encode()
            row = Progress(xp=number, max_leverage=1).dump()
            await log.append([Record(topic, partition_for(key, PARTITIONS), key, row, 0)])
            await asyncio.sleep(PROBE_EVERY_S)
