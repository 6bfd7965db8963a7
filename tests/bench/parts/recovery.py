"""Recovery of a table with many keys, from snapshot and from tail: the time, and the bytes that a key occupies."""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import faust
from faust_redis.log import Log, Record, TopicSpec
from yarl import URL

from deploy.errors import DeployError
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from tests.bench.figures import figure
from tests.bench.parameters import Parameters
from tests.bench.result import Result

PARTITIONS = 4
VALUE_BYTES = 100
FILL_RECORDS = 1_000


@dataclass(frozen=True)
class RecoveryRun:
    """One recovery: seconds, and bytes that a key occupies."""

    snapshot_s: float
    tail_s: float
    current_s: float
    redis_bytes: float
    disk_bytes: float


def measure(options: Parameters) -> Iterator[Result]:
    """Measure a recovery without local state in each run, then one with local state that lacks as many changes."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedServer(Path(directory), find_binary()) as server:
        runs = [asyncio.run(_run(server.url, options.keys, number)) for number in range(options.runs)]
    yield Result(
        f"a table of {options.keys:,} keys, rows of {VALUE_BYTES} bytes, {PARTITIONS} partitions, RocksDB",
        {
            "from the snapshot s": figure([run.snapshot_s for run in runs]),
            "as many changes s": figure([run.tail_s for run in runs]),
            "nothing to read s": figure([run.current_s for run in runs]),
            "bytes a key on the broker": figure([run.redis_bytes for run in runs]),
            "bytes a key on disk": figure([run.disk_bytes for run in runs]),
        },
    )


async def _run(url: str, keys: int, number: int) -> RecoveryRun:
    name = f"bench-recovery-{number}-{os.getpid()}"
    with tempfile.TemporaryDirectory() as directory:
        async with Log(url, name) as log:
            changelog = f"{name}-rows-changelog"
            await log.create_topic(TopicSpec(changelog, PARTITIONS, "compact", retention_ms=3_600_000))
            before = await _used(log)
            await _fill(log, changelog, keys, random.Random(1))
            for p in range(PARTITIONS):  # The log holds the snapshot and a short tail, as after an hour of trimming.
                await log.redis.execute_command("XTRIM", log.keys.stream(changelog, p), "MAXLEN", 1)
            redis_bytes = (await _used(log) - before) / keys
            snapshot_s = await _restore(url, name, Path(directory), expected=keys)
            await _fill(log, changelog, keys, random.Random(2))
            tail_s = await _restore(url, name, Path(directory), expected=keys)
            current_s = await _restore(url, name, Path(directory), expected=0)
            await log.redis.flushdb()
        return RecoveryRun(snapshot_s, tail_s, current_s, redis_bytes, _disk_bytes(Path(directory)) / keys)


async def _used(log: Log) -> int:
    return int((await log.redis.info("memory"))["used_memory"])


async def _fill(log: Log, topic: str, keys: int, chance: random.Random) -> None:
    for batch in _batches(keys):
        await log.append(
            [Record(topic, i % PARTITIONS, b"key-%09d" % i, chance.randbytes(VALUE_BYTES), 1) for i in batch]
        )


def _batches(count: int) -> Iterator[range]:
    for start in range(0, count, FILL_RECORDS):
        yield range(start, min(start + FILL_RECORDS, count))


async def _restore(url: str, name: str, directory: Path, *, expected: int) -> float:
    """Return the seconds that the driver of a starting worker takes to bring the table up to the log."""
    app = faust.App(
        name,
        broker=[URL(url).update_query(namespace=name)],
        store="faust-redis-rocksdb://",
        datadir=directory,
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        web_enabled=False,
        autodiscover=False,
    )
    app.Table("rows", key_type=bytes, value_type=bytes, partitions=PARTITIONS)
    app.agent(app.topic("in", partitions=PARTITIONS))(_ignore)
    app.finalize()
    restorer = cast("Any", app.transport).driver.restorer
    whole, took = restorer.restore, []

    async def timed(tps: Any) -> None:
        began = time.perf_counter()
        await whole(tps)
        took.append(time.perf_counter() - began)

    restorer.restore = timed
    await app.start()
    try:
        if restorer.restored < expected:
            raise DeployError(f"{restorer.restored} rows were read, {expected} expected")
        return float(took[-1])
    finally:
        await app.stop()


async def _ignore(stream: Any) -> None:
    async for _ in stream:
        pass


def _disk_bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
