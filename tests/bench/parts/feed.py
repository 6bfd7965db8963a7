"""The live feed: the time from accepted to received, at many subscribers of one API process, a few of them slow."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import uvloop
from faust_redis.log import Log, Record, TopicPartition
from faust_redis.log.partitioner import partition_for

from deploy.replay.fills import Fill
from streams.topics import NAMESPACE
from streams.topology import changelog_topic
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tests.bench.figures import Figure, figure, percentile
from tests.bench.fill_load import bodies, headers, made_fills
from tests.bench.http_load import open_loop
from tests.bench.listeners import Audience, Watches, dawdle, day, listen, listen_slowly
from tests.bench.parameters import Parameters
from tests.bench.pipeline import Pipeline
from tests.bench.resource_usage import cpu_seconds
from tests.bench.result import Result

CONNECTIONS = 16
PARTITIONS = 4
APP = "astratrade"
LAST_S = 30.0
READERS_PER_SLOW_ONE = 25
WATCHED: dict[Watches, str] = {
    "everything": "everything",
    "own": "users of their own",
    "board": "the top of a board",
    "fees": "the fees of each day",
}
MS = 1_000


@dataclass(frozen=True)
class FeedLoad:
    """Changes at fixed times (open loop), each of a user of its own, so that the user's first row is its effect.

    Through a worker they are fills posted one by one. Otherwise the bench writes rows as a worker's commit does, which
    measures the feed alone.
    """

    per_second: float
    seconds: float
    through_a_worker: bool

    @property
    def changes(self) -> int:
        """Return the number of changes."""
        return int(self.per_second * self.seconds)


@dataclass(frozen=True)
class FeedRun:
    """Seconds from accepted to received, of each change at each fast subscriber; and the changes that never arrived.

    `commits_s` is the worker's part: the seconds from accepted until the row is in the log.
    """

    delays_s: tuple[float, ...]
    commits_s: tuple[float, ...]
    worst_p99_s: float
    missed: int
    seconds: float
    api_cpu_s: float
    client_cpu_s: float


def measure(options: Parameters) -> Iterator[Result]:
    """Measure each audience: everything, users of its own, a board, fees. Use fills, or write rows directly."""
    fills = FeedLoad(options.feed_rate, options.seconds, through_a_worker=True)
    as_many_rows = replace(fills, through_a_worker=False)
    many_rows = replace(as_many_rows, per_second=options.row_rate)
    everything = Audience(subscribers=options.subscribers, watches="everything", slow=0)
    with_slow = replace(everything, slow=options.subscribers // READERS_PER_SLOW_ONE)
    own = replace(with_slow, watches="own")
    for audience, load in (
        (everything, as_many_rows),
        (with_slow, as_many_rows),
        (with_slow, fills),
        (own, fills),
        (replace(with_slow, watches="board"), fills),
        (replace(with_slow, watches="fees"), fills),
        (own, many_rows),
    ):
        yield _result(audience, load, [_measured(audience, load, seed) for seed in options.seeds()])


def _result(audience: Audience, load: FeedLoad, runs: list[FeedRun]) -> Result:
    def of(measure: Callable[[FeedRun], float]) -> Figure:
        return figure([measure(run) for run in runs])

    changes = "fills through one worker" if load.through_a_worker else "rows written straight"
    return Result(
        f"{audience.subscribers} subscribers to {WATCHED[audience.watches]}, {audience.slow} slow ones beside them; "
        f"{load.per_second:g} {changes} a second, open loop, {load.seconds:g} s",
        {
            "accepted to received p50 ms": of(lambda run: MS * percentile(run.delays_s, 50)),
            "accepted to received p99 ms": of(lambda run: MS * percentile(run.delays_s, 99)),
            "of it to committed p50 ms": of(lambda run: MS * percentile(run.commits_s, 50)),
            "of it to committed p99 ms": of(lambda run: MS * percentile(run.commits_s, 99)),
            "worst client's p99 ms": of(lambda run: MS * run.worst_p99_s),
            "never received": of(lambda run: run.missed),
            "API cores busy": of(lambda run: run.api_cpu_s / run.seconds),
            "client cores busy": of(lambda run: run.client_cpu_s / run.seconds),
        },
    )


def _measured(audience: Audience, load: FeedLoad, seed: int) -> FeedRun:
    """Measure on a pipeline of its own, with one worker."""
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=1) as pipeline:
        return uvloop.run(_run(pipeline, audience, load, headers(pipeline.token()), seed))


async def _run(pipeline: Pipeline, audience: Audience, load: FeedLoad, lines: str, seed: int) -> FeedRun:
    listeners = await listen(pipeline.url, audience, load.changes)
    slow = [await listen_slowly(pipeline.url) for _ in range(audience.slow)]
    dawdling = [asyncio.create_task(dawdle(connection)) for connection in slow[::2]]
    topic = changelog_topic(APP, GAMIFICATION_PROGRESS.name)
    log = Log(pipeline.server.url, NAMESPACE)
    watching = asyncio.create_task(_watch(log, await _ends(log, topic), load.changes))
    api, client, begun = cpu_seconds(pipeline.api.pid), time.process_time(), time.perf_counter()
    if load.through_a_worker:
        accepted = await _post(pipeline, _fills(audience, load.changes, seed), lines, load.per_second)
    else:
        accepted = await _write(pipeline, load)
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_S):
            for listener in listeners:
                await listener.done.wait()
    seconds = time.perf_counter() - begun
    api_cpu_s, client_cpu_s = cpu_seconds(pipeline.api.pid) - api, time.process_time() - client
    async with asyncio.timeout(LAST_S):
        committed = await watching
    for task in dawdling:
        task.cancel()
    for connection in slow:
        connection.close()
    for listener in listeners:
        cast("asyncio.Transport", listener.transport).abort()
    delays = [listener.delays(accepted) for listener in listeners]
    return FeedRun(
        delays_s=tuple(delay for own in delays for delay in own),
        commits_s=tuple(max(0.0, committed[user] - at) for user, at in accepted.items()),
        worst_p99_s=max(percentile(own, 99) for own in delays if own),
        missed=sum(len(listener.expected) - len(own) for listener, own in zip(listeners, delays, strict=True)),
        seconds=seconds,
        api_cpu_s=api_cpu_s,
        client_cpu_s=client_cpu_s,
    )


async def _ends(log: Log, topic: str) -> dict[TopicPartition, int]:
    return {TopicPartition(topic, p): offset for p, offset in (await log.end_offsets(topic)).items()}


async def _watch(log: Log, offsets: dict[TopicPartition, int], changes: int) -> dict[int, float]:
    """Return when each watched user's row appeared in the log."""
    found: dict[int, float] = {}
    while len(found) < changes:
        for tp, records in (await log.fetch(offsets, block_ms=1_000)).items():
            offsets[tp] = records[-1].offset + 1
            for record in records:
                if record.key is not None and record.key.startswith(b"watched-"):
                    found.setdefault(int(record.key.removeprefix(b"watched-")), time.perf_counter())
    await log.close()
    return found


def _fills(audience: Audience, changes: int, seed: int) -> list[Fill]:
    """Return fills, each of a new user who leads the volume board; for fees, each on a day of its own."""
    made = made_fills(changes, users=changes, seed=seed)
    fills = [
        {**one, "user_id": f"watched-{user}", "price": "1", "closed_pnl_usd": "0"}
        | dict.fromkeys(("size", "notional_usd"), str(1 + user))
        for user, one in enumerate(made)
    ]
    if audience.watches == "fees":
        fills = [{**one, "fee_usd": "1", "executed_at": f"{day(n)}T12:00:00Z"} for n, one in enumerate(fills)]
    return fills


async def _post(pipeline: Pipeline, fills: list[Fill], lines: str, per_second: float) -> dict[int, float]:
    """Post fills one by one; return when each was accepted."""
    accepted: dict[int, float] = {}
    await open_loop(
        pipeline.url,
        "/v1/fills",
        bodies(fills, 1),
        lines,
        per_second=per_second,
        connections=CONNECTIONS,
        on_accepted=accepted.__setitem__,
    )
    return accepted


async def _write(pipeline: Pipeline, load: FeedLoad) -> dict[int, float]:
    """Write rows; return when each was in the log."""
    topic = changelog_topic(APP, GAMIFICATION_PROGRESS.name)
    accepted: dict[int, float] = {}
    begun = time.perf_counter()
    async with Log(pipeline.server.url, NAMESPACE) as log:
        for user in range(load.changes):
            key = f"watched-{user}".encode()
            await asyncio.sleep(max(0.0, begun + user / load.per_second - time.perf_counter()))
            await log.append(
                [Record(topic, partition_for(key, PARTITIONS), key, Progress(xp=user, max_leverage=1).dump(), 0)]
            )
            accepted[user] = time.perf_counter()
    return accepted
