"""(c) The ingress: requests per second, alone; and how long from accepted to visible on a feed, at a stated rate."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from tests.bench.figures import Figure, figure, percentile
from tests.bench.fill_load import bodies, headers, made_fills
from tests.bench.http_load import Load, closed_loop, open_loop
from tests.e2e.pipeline import Pipeline

USERS = 300
CONNECTIONS = 16
FEED_LINE_BYTES_MAX = 64 * 1024 * 1024
VISIBLE_S = 60.0


@dataclass(frozen=True)
class IngressSpeed:
    """Requests of `batch` fills, over kept connections, as fast as the answers come; no worker runs meanwhile."""

    batch: int
    loads: tuple[Load, ...]

    @property
    def requests_per_second(self) -> Figure:
        return figure([len(load.latencies_s) / load.seconds for load in self.loads])

    @property
    def p50_ms(self) -> Figure:
        return figure([1e3 * percentile(load.latencies_s, 50) for load in self.loads])

    @property
    def p99_ms(self) -> Figure:
        return figure([1e3 * percentile(load.latencies_s, 99) for load in self.loads])


def measure_ingress(*, batch: int, requests: int, runs: int, seed: int) -> IngressSpeed:
    """The API alone: a first part of the load warms it up."""
    warm_up = max(1, requests // 5)
    loads = []
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=0) as pipeline:
        pipeline.wait_until_listening()
        lines = headers(pipeline.token("venue", "venue-1"))
        for number in range(runs):
            fills = made_fills(batch * (requests + warm_up), users=USERS, seed=seed + number)
            load = bodies(fills, batch)
            asyncio.run(closed_loop(pipeline.url, "/v1/fills", load[:warm_up], lines, connections=CONNECTIONS))
            loads.append(
                asyncio.run(closed_loop(pipeline.url, "/v1/fills", load[warm_up:], lines, connections=CONNECTIONS))
            )
            assert loads[-1].accepted == requests, loads[-1].statuses
    return IngressSpeed(batch, tuple(loads))


@dataclass(frozen=True)
class Visibility:
    """Single fills at a fixed rate, one worker: seconds from due to answered, and from answered to the feed."""

    per_second: float
    answered: tuple[tuple[float, ...], ...]
    visible: tuple[tuple[float, ...], ...] = field(default=())

    def answered_ms(self, percent: float) -> Figure:
        return figure([1e3 * percentile(run, percent) for run in self.answered])

    def visible_ms(self, percent: float) -> Figure:
        return figure([1e3 * percentile(run, percent) for run in self.visible])


def measure_visibility(*, per_second: float, seconds: float, runs: int, seed: int) -> Visibility:
    """Each fill is of a user of its own, so that the first row of that user on the progress feed is its effect."""
    answered, visible = [], []
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=1) as pipeline:
        lines = headers(pipeline.token("venue", "venue-1"))
        for number in range(runs):
            users = [f"watched-{number}-{one}" for one in range(int(per_second * seconds))]
            fills = made_fills(len(users), users=USERS, seed=seed + number)
            load = bodies([{**one, "user_id": user} for one, user in zip(fills, users, strict=True)], 1)
            one, other = asyncio.run(_watch(pipeline, lines, load, users, per_second))
            answered.append(tuple(one))
            visible.append(tuple(other))
    return Visibility(per_second, tuple(answered), tuple(visible))


async def _watch(
    pipeline: Pipeline, lines: str, load: list[bytes], users: Sequence[str], per_second: float
) -> tuple[list[float], list[float]]:
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
    """Opens the progress feed and waits for the end of its snapshot."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=FEED_LINE_BYTES_MAX)
    writer.write(f"GET /v1/feed/progress HTTP/1.1\r\nHost: bench\r\n{lines}\r\n".encode())
    while b'"last":true' not in await reader.readline():
        pass
    return reader, writer


async def _note_users(reader: asyncio.StreamReader, seen: dict[str, float], waiting: set[str]) -> None:
    """Notes when each user is first seen. Frames are sent whole, so that a data line is never cut by a chunk."""
    while waiting:
        line = await reader.readline()
        if line.startswith(b"data: "):
            now = time.perf_counter()
            for row in orjson.loads(line[6:]).get("rows", ()):
                if row["user_id"] in waiting:
                    waiting.discard(row["user_id"])
                    seen[row["user_id"]] = now
