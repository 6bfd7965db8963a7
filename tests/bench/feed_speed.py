"""(d) The live feed: from accepted to told, at each of many subscribers of one API process, a few of them slow."""

import asyncio
import re
import socket
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import uvloop

from streams.log import Log, Record, TopicPartition
from streams.log.partitioner import partition_for
from tables.catalog import GAMIFICATION_PROGRESS, changelog_topic
from tables.rows import Progress
from tests.bench.figures import Figure, figure, percentile
from tests.bench.fill_load import bodies, headers, made_fills
from tests.bench.http_load import open_loop
from tests.bench.machine import cpu_seconds
from tests.e2e.pipeline import Pipeline

CONNECTIONS = 16
PARTITIONS = 4
APP = "astratrade"
LAST_S = 30.0
CONNECT_AT_ONCE = 50
SLOW_RECEIVE_BYTES = 4_096
SLOW_EVERY_S = 1.0
SNAPSHOT_END = b'"last":true'
WATCHED = re.compile(rb'"user_id":"watched-(\d+)"')


@dataclass(frozen=True)
class Audience:
    """Who listens to what of the progress feed: everybody to all of it, or each to users of its own; and who is slow.

    Of the slow ones, half read nothing and half read 4 KiB each second; they listen to everything.
    """

    subscribers: int
    own: bool
    slow: int

    def users(self, subscriber: int, changes: int) -> range:
        return range(subscriber, changes, self.subscribers) if self.own else range(changes)

    def path(self, subscriber: int, changes: int) -> str:
        users = self.users(subscriber, changes) if self.own else ()
        return "/v1/feed/progress?" + "&".join(f"user=watched-{user}" for user in users)


@dataclass(frozen=True)
class FeedLoad:
    """Changes at fixed times (open loop), each of a user of its own, so that the user's first row is its effect.

    Through a worker they are fills posted one by one; otherwise rows written as a worker's commit writes them, which
    measures the feed alone.
    """

    per_second: float
    seconds: float
    through_a_worker: bool

    @property
    def changes(self) -> int:
        return int(self.per_second * self.seconds)


@dataclass(frozen=True)
class FeedRun:
    """Seconds from accepted to told, of each change at each subscriber that reads; what was never told.

    `commits_s` is the worker's part of it: from accepted until the row stands in the log.
    """

    delays_s: tuple[float, ...]
    commits_s: tuple[float, ...]
    worst_p99_s: float
    missed: int
    seconds: float
    api_cpu_s: float
    client_cpu_s: float


@dataclass(frozen=True)
class FeedSpeed:
    """Several runs of one audience under one load."""

    audience: Audience
    load: FeedLoad
    runs: tuple[FeedRun, ...]

    def of(self, what: Callable[[FeedRun], float]) -> Figure:
        return figure([what(run) for run in self.runs])

    def ms(self, percent: float) -> Figure:
        return self.of(lambda run: 1e3 * percentile(run.delays_s, percent))

    def commit_ms(self, percent: float) -> Figure:
        return self.of(lambda run: 1e3 * percentile(run.commits_s, percent))

    @property
    def worst_ms(self) -> Figure:
        """The p99 of the subscriber that has the highest."""
        return self.of(lambda run: 1e3 * run.worst_p99_s)

    @property
    def missed(self) -> int:
        return sum(run.missed for run in self.runs)


class Listener(asyncio.Protocol):
    """One subscriber: notes when it was told first of each watched user."""

    def __init__(self, request: bytes, wanted: range) -> None:
        self.heard: dict[int, float] = {}
        self.current = asyncio.Event()
        self.transport: asyncio.Transport | None = None
        self._request = request
        self.wanted = wanted
        self.done = asyncio.Event()
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        for user in WATCHED.findall(data, 0, end):
            self.heard.setdefault(int(user), now)
        if len(self.heard) >= len(self.wanted):
            self.done.set()
        if SNAPSHOT_END in data:
            self.current.set()

    def delays(self, accepted: dict[int, float]) -> list[float]:
        """Seconds from accepted to told, of each change that it was told of."""
        return [max(0.0, self.heard[user] - accepted[user]) for user in self.wanted if user in self.heard]


def measure_feed(audience: Audience, load: FeedLoad, *, runs: int, seed: int) -> FeedSpeed:
    """Each run on a pipeline of its own, with one worker."""
    found = []
    for number in range(runs):
        with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=1) as pipeline:
            lines = headers(pipeline.token("venue", "venue-1"))
            found.append(uvloop.run(_run(pipeline, audience, load, lines, seed + number)))
    return FeedSpeed(audience, load, tuple(found))


async def _run(pipeline: Pipeline, audience: Audience, load: FeedLoad, lines: str, seed: int) -> FeedRun:
    listeners = await _listen(pipeline.url, audience, load.changes)
    slow = [await _listen_slowly(pipeline.url) for _ in range(audience.slow)]
    dawdling = [asyncio.create_task(_dawdle(connection)) for connection in slow[::2]]
    topic = changelog_topic(APP, GAMIFICATION_PROGRESS.name)
    log = Log(pipeline.server.url)
    watching = asyncio.create_task(_watch(log, await _ends(log, topic), load.changes))
    api, client, begun = cpu_seconds(pipeline.api.pid), time.process_time(), time.perf_counter()
    accepted = await (_post(pipeline, load, lines, seed) if load.through_a_worker else _write(pipeline, load))
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
        missed=sum(len(listener.wanted) - len(own) for listener, own in zip(listeners, delays, strict=True)),
        seconds=seconds,
        api_cpu_s=api_cpu_s,
        client_cpu_s=client_cpu_s,
    )


# --- subscribers ------------------------------------------------------------------------------------------------------


async def _listen(url: str, audience: Audience, changes: int) -> list[Listener]:
    """All subscribers, each with its snapshot."""
    loop, parts, found = asyncio.get_running_loop(), urlsplit(url), []
    for number in range(audience.subscribers):
        request = f"GET {audience.path(number, changes)} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
        listener = Listener(request, audience.users(number, changes))
        await loop.create_connection(partial(_same, listener), str(parts.hostname), int(parts.port or 0))
        found.append(listener)
        if len(found) % CONNECT_AT_ONCE == 0:
            await listener.current.wait()
    for listener in found:
        await listener.current.wait()
    return found


def _same(listener: Listener) -> Listener:
    return listener


async def _listen_slowly(url: str) -> socket.socket:
    """A subscriber to everything whose system takes in little."""
    parts, connection = urlsplit(url), socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_RECEIVE_BYTES)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, (str(parts.hostname), int(parts.port or 0)))
    await loop.sock_sendall(connection, b"GET /v1/feed/progress HTTP/1.1\r\nHost: bench\r\n\r\n")
    return connection


async def _dawdle(connection: socket.socket) -> None:
    loop, received = asyncio.get_running_loop(), b"at first"
    while received:
        received = await loop.sock_recv(connection, SLOW_RECEIVE_BYTES)
        await asyncio.sleep(SLOW_EVERY_S)


async def _ends(log: Log, topic: str) -> dict[TopicPartition, int]:
    return {TopicPartition(topic, p): offset for p, offset in (await log.ends(topic)).items()}


async def _watch(log: Log, reached: dict[TopicPartition, int], changes: int) -> dict[int, float]:
    """When each watched user's row stood in the log."""
    found: dict[int, float] = {}
    while len(found) < changes:
        for tp, records in (await log.fetch(reached, block_ms=1_000)).items():
            reached[tp] = records[-1].offset + 1
            for record in records:
                if record.key is not None and record.key.startswith(b"watched-"):
                    found.setdefault(int(record.key.removeprefix(b"watched-")), time.perf_counter())
    await log.close()
    return found


# --- changes ----------------------------------------------------------------------------------------------------------


async def _post(pipeline: Pipeline, load: FeedLoad, lines: str, seed: int) -> dict[int, float]:
    """Posts fills; when each was accepted."""
    made = made_fills(load.changes, users=load.changes, seed=seed)
    posted = bodies([{**one, "user_id": f"watched-{user}"} for user, one in enumerate(made)], 1)
    accepted: dict[int, float] = {}
    await open_loop(
        pipeline.url,
        "/v1/fills",
        posted,
        lines,
        per_second=load.per_second,
        connections=CONNECTIONS,
        on_accepted=accepted.__setitem__,
    )
    return accepted


async def _write(pipeline: Pipeline, load: FeedLoad) -> dict[int, float]:
    """Writes rows; when each was in the log."""
    topic = changelog_topic(APP, GAMIFICATION_PROGRESS.name)
    accepted: dict[int, float] = {}
    begun = time.perf_counter()
    async with Log(pipeline.server.url) as log:
        for user in range(load.changes):
            key = f"watched-{user}".encode()
            await asyncio.sleep(max(0.0, begun + user / load.per_second - time.perf_counter()))
            await log.append(
                [Record(topic, partition_for(key, PARTITIONS), key, Progress(xp=user, max_leverage=1).dump(), 0)]
            )
            accepted[user] = time.perf_counter()
    return accepted
