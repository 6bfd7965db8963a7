"""(c) The ingress: requests per second, alone; and how long from accepted to visible on a feed, at a stated rate."""

import asyncio
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import uvloop

from api.examples import ORDER as TRADE
from tests.bench.figures import Figure, figure, percentile
from tests.bench.fill_load import bodies, headers, made_fills
from tests.bench.http_load import Load, closed_loop, open_loop
from tests.bench.machine import cpu_seconds
from tests.e2e.pipeline import Pipeline

USERS = 300
CONNECTIONS = 16
FEED_LINE_BYTES_MAX = 64 * 1024 * 1024
VISIBLE_S = 60.0
FILLS_MAX = 50_000  # of different ones; more would lie in the future. Without a worker a fill counts as any other.


@dataclass(frozen=True)
class Command:
    """What is posted: a path, the role that may, whether with an Idempotency-Key of its own, how many in a request."""

    name: str
    path: str
    role: str
    keyed: bool
    batch: int = 1


FILL = Command("one fill, no key", "/v1/fills", "venue", keyed=False)
FILLS = Command("500 fills, no key", "/v1/fills", "venue", keyed=False, batch=500)
ORDER = Command("one order, with a key", "/v1/trades", "user", keyed=True)


@dataclass(frozen=True)
class IngressRun:
    """A load, and the CPU seconds that the API process, the broker and the load client spent on it."""

    load: Load
    api_cpu_s: float
    server_cpu_s: float
    client_cpu_s: float


@dataclass(frozen=True)
class IngressSpeed:
    """Requests over kept connections, as fast as the answers come (closed loop); no worker runs meanwhile."""

    command: Command
    runs: tuple[IngressRun, ...]

    def of(self, what: Callable[[IngressRun], float]) -> Figure:
        return figure([what(run) for run in self.runs])

    @property
    def requests_per_second(self) -> Figure:
        return self.of(lambda run: run.load.accepted / run.load.seconds)

    @property
    def requests_per_core(self) -> Figure:
        """Requests in a CPU second of the API process."""
        return self.of(lambda run: run.load.accepted / run.api_cpu_s)

    def ms(self, percent: float) -> Figure:
        return self.of(lambda run: 1e3 * percentile(run.load.latencies_s, percent))

    def cpu_us(self, what: Callable[[IngressRun], float]) -> Figure:
        """CPU microseconds a request."""
        return self.of(lambda run: 1e6 * what(run) / run.load.accepted)


def measure_ingress(command: Command, *, requests: int, runs: int, seed: int) -> IngressSpeed:
    """The API alone: a first part of the load warms it up."""
    warm_up = max(1, requests // 5)
    found = []
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=0) as pipeline:
        pipeline.wait_until_listening()
        token = pipeline.token(command.role, "caller-1")
        for number in range(runs):
            load = _bodies(command, requests + warm_up, seed + number)
            _post(pipeline, command, load[:warm_up], token)
            found.append(_measured(pipeline, command, load[warm_up:], token))
    return IngressSpeed(command, tuple(found))


def _bodies(command: Command, requests: int, seed: int) -> list[bytes]:
    if command.path == "/v1/trades":
        return [orjson.dumps({**TRADE, "client_ref": f"r-{seed}-{n}"}) for n in range(requests)]
    fills = made_fills(min(command.batch * requests, FILLS_MAX), users=USERS, seed=seed)
    return list(islice(cycle(bodies(fills, command.batch)), requests))


def _post(pipeline: Pipeline, command: Command, load: list[bytes], token: str) -> Load:
    begun = secrets.token_hex(4)
    lines = (lambda n: headers(token, f"{begun}-{n}")) if command.keyed else headers(token)
    return uvloop.run(closed_loop(pipeline.url, command.path, load, lines, connections=CONNECTIONS))


def _measured(pipeline: Pipeline, command: Command, load: list[bytes], token: str) -> IngressRun:
    pids = (pipeline.api.pid, pipeline.server.pid)
    before, client = [cpu_seconds(pid) for pid in pids], time.process_time()
    done = _post(pipeline, command, load, token)
    client_s = time.process_time() - client
    api_s, server_s = (cpu_seconds(pid) - was for pid, was in zip(pids, before, strict=True))
    assert done.accepted == len(load), done.statuses
    return IngressRun(done, api_s, server_s, client_s)


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
