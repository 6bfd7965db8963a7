"""The same feeds over one WebSocket and as server-sent events: what the API process spends on each."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import uvloop
from faust_redis.log import Log, Record
from faust_redis.log.partitioner import partition_for
from websockets.asyncio.client import connect

from streams.topics import NAMESPACE
from streams.topology import changelog_topic
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tests.bench.figures import figure
from tests.bench.parameters import Parameters
from tests.bench.pipeline import Pipeline
from tests.bench.resource_usage import cpu_seconds
from tests.bench.result import Result

SUBSCRIPTIONS = 50
ROWS = 50
ROWS_PER_S = 100
PARTITIONS = 4
SETTLE_S = 2.0
MESSAGE_BYTES_MAX = 64 * 1024 * 1024

Following = Callable[[str], AbstractAsyncContextManager[None]]


def measure(options: Parameters) -> Iterator[Result]:
    """Measure in turn: no feed, server-sent events, one socket. All clients are raw readers that parse nothing."""
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=1) as pipeline:
        cores = uvloop.run(_all(pipeline, options))
    yield Result(
        f"{SUBSCRIPTIONS} times the progress feed of one process, {ROWS_PER_S} rows a second, {options.seconds:g} s",
        {f"{name}: API cores busy": figure(values) for name, values in cores.items()},
    )


async def _all(pipeline: Pipeline, options: Parameters) -> dict[str, list[float]]:
    kinds: dict[str, Following] = {"no feed": _nothing, "server-sent events": _streams, "one socket": _socket}
    cores: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in options.seeds():
        for name, following in kinds.items():
            async with following(pipeline.url), Log(pipeline.server.url, NAMESPACE) as log:
                await asyncio.sleep(SETTLE_S)
                begun_s, cpu_s = time.perf_counter(), cpu_seconds(pipeline.api.pid)
                await _write(log, options.seconds)
                cores[name].append((cpu_seconds(pipeline.api.pid) - cpu_s) / (time.perf_counter() - begun_s))
    return cores


async def _write(log: Log, seconds: float) -> None:
    """Write rows as a worker's commit does, at fixed times."""
    topic, begun_s = changelog_topic("astratrade", GAMIFICATION_PROGRESS.name), time.perf_counter()
    for n in range(int(ROWS_PER_S * seconds)):
        await asyncio.sleep(max(0.0, begun_s + n / ROWS_PER_S - time.perf_counter()))
        user = f"watched-{n % ROWS}".encode()
        row = Progress(xp=n, max_leverage=10).dump()
        await log.append([Record(topic, partition_for(user, PARTITIONS), user, row, 0)])


@asynccontextmanager
async def _nothing(_url: str) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def _streams(url: str) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for _ in range(SUBSCRIPTIONS):
            await stack.enter_async_context(_stream(url))
        yield


@asynccontextmanager
async def _stream(url: str) -> AsyncIterator[None]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"GET /v1/feed/progress HTTP/1.1\r\nHost: bench\r\n\r\n")

    async def read() -> None:
        while await reader.read(MESSAGE_BYTES_MAX):
            pass

    reading = asyncio.create_task(read())
    yield
    reading.cancel()
    writer.close()


@asynccontextmanager
async def _socket(url: str) -> AsyncIterator[None]:
    address = url.replace("http", "ws", 1) + "/v1/ws"
    async with connect(address, proxy=None, compression=None, max_size=MESSAGE_BYTES_MAX) as connection:
        for number in range(SUBSCRIPTIONS):
            message = {"type": "subscribe", "subscription": str(number), "feed": "progress"}
            await connection.send(orjson.dumps(message).decode())

        async def read() -> None:
            async for _ in connection:
                pass

        reading = asyncio.create_task(read())
        yield
        reading.cancel()
