"""From accepted to visible: single fills at a fixed rate, one worker, and when each shows on the progress feed."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from tests.bench.figures import figure, percentile
from tests.bench.fill_load import bodies, headers, made_fills
from tests.bench.http_load import open_loop
from tests.bench.parameters import Parameters
from tests.bench.pipeline import Pipeline
from tests.bench.result import Result

USERS = 300
CONNECTIONS = 16
FEED_LINE_BYTES_MAX = 64 * 1024 * 1024
VISIBLE_S = 60.0
MS = 1_000

Times = tuple[list[float], list[float]]
"""Seconds from due to answered, and from answered to the feed."""


def measure(options: Parameters) -> Iterator[Result]:
    """Measure fills that come whether or not earlier ones are done."""
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=1) as pipeline:
        runs = [_run(pipeline, options, seed) for seed in options.seeds()]
    answered, visible = zip(*runs, strict=True)
    yield Result(
        f"single fills, open loop at {options.rate:g}/s for {options.seconds:g} s, one worker, progress feed",
        {
            "due to answered p50 ms": figure([MS * percentile(run, 50) for run in answered]),
            "due to answered p99 ms": figure([MS * percentile(run, 99) for run in answered]),
            "accepted to seen p50 ms": figure([MS * percentile(run, 50) for run in visible]),
            "accepted to seen p99 ms": figure([MS * percentile(run, 99) for run in visible]),
        },
    )


def _run(pipeline: Pipeline, options: Parameters, seed: int) -> Times:
    """Run once. Each fill has a user of its own, so that the user's first row on the feed is the fill's effect."""
    users = [f"watched-{seed}-{number}" for number in range(max(1, int(options.rate * options.seconds)))]
    fills = made_fills(len(users), users=USERS, seed=seed)
    load = bodies([{**fill, "user_id": user} for fill, user in zip(fills, users, strict=True)], 1)
    return asyncio.run(_watch(pipeline, headers(pipeline.token()), load, users, options.rate))


async def _watch(pipeline: Pipeline, lines: str, load: list[bytes], users: Sequence[str], per_second: float) -> Times:
    seen: dict[str, float] = {}
    accepted: dict[int, float] = {}
    reader, writer = await _subscribe(pipeline.url, lines)
    feed = asyncio.create_task(_note_users(reader, seen, set(users)))
    posted = await open_loop(
        pipeline.url,
        "/v1/fills",
        load,
        lines,
        per_second=per_second,
        connections=CONNECTIONS,
        on_accepted=accepted.__setitem__,
    )
    async with asyncio.timeout(VISIBLE_S):
        await feed
    writer.close()
    return posted.latencies_s, [max(0.0, seen[user] - accepted[number]) for number, user in enumerate(users)]


async def _subscribe(url: str, lines: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open the progress feed and wait for the end of its snapshot."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=FEED_LINE_BYTES_MAX)
    writer.write(f"GET /v1/feed/progress HTTP/1.1\r\nHost: bench\r\n{lines}\r\n".encode())
    while b'"last":true' not in await reader.readline():
        pass
    return reader, writer


async def _note_users(reader: asyncio.StreamReader, seen: dict[str, float], waiting: set[str]) -> None:
    """Note when each user first appears. The server sends whole frames, so no chunk cuts a data line."""
    while waiting:
        line = await reader.readline()
        if line.startswith(b"data: "):
            now = time.perf_counter()
            for row in orjson.loads(line[6:]).get("rows", ()):
                if row["user_id"] in waiting:
                    waiting.discard(row["user_id"])
                    seen[row["user_id"]] = now
