"""The cost of one commit by its size: how long the client waits, and how long the server serves no other client."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from faust_redis.log import Fence, Log, ProducerSequence, Record, TopicPartition, TopicSpec, WriteBatch
from faust_redis.log.scripts import COMMIT, GROUP

from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from streams.times import Instant
from tables.boards import Standing, periods_of
from tests.bench.figures import figure, percentile
from tests.bench.parameters import Parameters
from tests.bench.result import Result

PARTITIONS = 4
KEYS = 10_000
VALUE_BYTES = 200
STANDINGS = periods_of(Instant(0)).names["xp"]
"""The standings of one ranked row: five. The product's rows have seven on average."""
SIZES = (1, 10, 100, 200)
SLOWLOG_MAX = 100_000
SLOWER_THAN_US = 30
"""Of a whole commit, and not of the commands in it, each of which would be logged and take longer for it."""


def measure(options: Parameters) -> Iterator[Result]:
    """Measure commits like a worker's: a third outputs, a third table rows, a third ranked rows, and an offset."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedServer(Path(directory), find_binary()) as server:
        for size in SIZES:
            yield asyncio.run(_measure(server.url, size, options))


async def _measure(url: str, records: int, options: Parameters) -> Result:
    waited, blocked = [], []
    for seed in options.seeds():
        async with Log(url, f"bench-commit-{records}-{seed}") as log:
            took, served = await _run(log, records, options.commits, random.Random(seed))
            waited.append(took)
            blocked.append(served)
            await log.redis.flushdb()
    return Result(
        f"commits of {records} records, {options.commits:,} one after the other",
        {
            "answered p50 ms": figure([percentile(took, 50) for took in waited]),
            "answered p99 ms": figure([percentile(took, 99) for took in waited]),
            "server blocked p50 ms": figure([percentile(served, 50) for served in blocked]),
            "server blocked max ms": figure([max(served) for served in blocked]),
        },
    )


async def _run(log: Log, records: int, commits: int, chance: random.Random) -> tuple[list[float], list[float]]:
    await log.create_topic(TopicSpec("in", PARTITIONS))
    await log.create_topic(TopicSpec("out", PARTITIONS))
    await log.create_topic(TopicSpec("table", PARTITIONS, "compact"))
    await log.create_topic(TopicSpec("board", PARTITIONS, "compact", "rank"))
    fence = await _join(log)
    await _commit(log, fence, 0, records, chance)
    await log.redis.config_set("slowlog-max-len", SLOWLOG_MAX)
    await log.redis.config_set("slowlog-log-slower-than", SLOWER_THAN_US)
    await log.redis.slowlog_reset()
    waited = [await _commit(log, fence, number, records, chance) for number in range(1, commits + 1)]
    entries = await log.redis.execute_command("SLOWLOG", "GET", SLOWLOG_MAX)
    await log.redis.config_set("slowlog-log-slower-than", -1)
    digest = COMMIT.digest.encode()
    served = [micros / 1_000 for _, _, micros, command, *_ in entries if digest in command]
    return waited, served


async def _join(log: Log) -> Fence:
    await log.run(GROUP, [log.keys.group("bench")], ["join", "m", b"", 600_000, 600_000, 0])
    while True:
        standing = await log.run(GROUP, [log.keys.group("bench")], ["heartbeat", "m"])
        if standing[3] > 0:
            return Fence("bench", "m", int(standing[3]))
        await asyncio.sleep(0.01)


async def _commit(log: Log, fence: Fence, number: int, records: int, chance: random.Random) -> float:
    batch = WriteBatch(
        [_record(i, chance) for i in range(records)], {TopicPartition("in", p): number for p in range(PARTITIONS)}
    )
    sequence = ProducerSequence("bench:m", number, ttl_ms=60_000)
    began = time.perf_counter()
    await log.commit(batch, fence=fence, write_id=sequence)
    return 1_000 * (time.perf_counter() - began)


def _record(place: int, chance: random.Random) -> Record:
    partition, key = chance.randrange(PARTITIONS), b"key-%d" % chance.randrange(KEYS)
    if place % 3 == 0:
        return Record("out", partition, key, chance.randbytes(VALUE_BYTES), 1)
    if place % 3 == 1:
        return Record("table", partition, key, chance.randbytes(VALUE_BYTES), 1)
    standings = {name: Standing(chance.randrange(10**12), 1).ranked for name in STANDINGS}
    return Record("board", partition, b"global|" + key, msgspec.msgpack.encode(standings), 1)
