"""The outbox: from a commit in the database to the event in the log, and what numbering under a lock costs."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from faust_redis.log import Log, TopicPartition
from sqlalchemy import text

from api.identity.store.migrate import migrate
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from streams.connect.outbox.service import RelayService
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.events import decode, encode
from streams.topics import MARKET_PRICES
from tests.bench.figures import figure, percentile
from tests.bench.parameters import Parameters
from tests.bench.result import Result
from tests.outbox.database import PARTITIONS, OutboxDatabase, change, now, outbox_database, spec_of
from tests.outbox.postgres import Postgres

ROWS_A_TRANSACTION = 5
WARM_UP_S = 1.0
WRITERS = (1, 4, 16)
COMMIT_S = 3.0
ACCOUNTS_A_WRITER = 50
RETENTION_DAYS = 14
LAST_WAIT_S = 30.0

HORIZON = text(
    "CREATE TABLE horizon_outbox (number BIGSERIAL PRIMARY KEY, xid XID8 NOT NULL DEFAULT pg_current_xact_id(),"
    " topic TEXT NOT NULL, key TEXT NOT NULL, time_us BIGINT NOT NULL, added_us BIGINT NOT NULL, value BYTEA NOT NULL)"
)
ADD = text(
    "INSERT INTO horizon_outbox (topic, key, time_us, added_us, value)"
    " VALUES (:topic, :key, :time_us, :added_us, :value)"
)
NOTIFY = text("NOTIFY bench_outbox")


def measure(options: Parameters) -> Iterator[Result]:
    """Measure both databases."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(EmbeddedServer(directory / "broker", find_binary()))
        postgres = stack.enter_context(Postgres(flushes=True))
        for kind in ("sqlite", "postgresql"):
            runs = []
            for seed in options.seeds():
                name = f"{kind}_{seed}"
                url = postgres.url(name) if kind == "postgresql" else f"sqlite:///{directory}/{name}.db"
                if kind == "postgresql":
                    asyncio.run(postgres.execute(f"CREATE DATABASE {name}"))
                asyncio.run(migrate(url))
                runs.append(asyncio.run(_latency(url, server.url, f"bench-{kind}-{seed}", options)))
            yield _latency_result(kind, runs, options)
        yield from _commit_results(postgres, options)


# --- from commit to log -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Latencies:
    """When each row's commit began and returned, and when a reader had its event, by id, in seconds."""

    began: dict[str, float] = field(default_factory=dict)
    returned: dict[str, float] = field(default_factory=dict)
    read: dict[str, float] = field(default_factory=dict)

    def ms(self, since: dict[str, float], warm: float) -> list[float]:
        return [1_000 * max(0.0, self.read[id_] - at) for id_, at in since.items() if self.began[id_] >= warm]


async def _latency(url: str, broker: str, namespace: str, options: Parameters) -> tuple[_Latencies, float]:
    found = _Latencies()
    async with outbox_database(url) as database, Log(broker, namespace) as log, Log(broker, namespace) as reading:
        await log.create_topic(spec_of(MARKET_PRICES))
        service = RelayService(database.relay(log), database.source, RETENTION_DAYS, now)
        tasks = [asyncio.create_task(service.run()), asyncio.create_task(_read(reading, found))]
        began = time.perf_counter()
        await _write(database, found, options)
        async with asyncio.timeout(LAST_WAIT_S):
            while found.read.keys() < found.began.keys():  # noqa: ASYNC110 - the reader of another server fills it
                await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return found, began + WARM_UP_S


async def _write(database: OutboxDatabase, found: _Latencies, options: Parameters) -> None:
    """Commit transactions at a fixed rate, however long each takes (open loop)."""
    lock = asyncio.Lock()  # one row of an account at a time; SQLite has one writer anyhow

    async def transaction(number: int) -> None:
        async with lock:
            async with database.work() as work:
                for row in range(ROWS_A_TRANSACTION):
                    await change(work, f"user-{number % 20}-{row}")
                at = time.perf_counter()
            returned = time.perf_counter()
        for event in work.emitted:
            found.began[event.id], found.returned[event.id] = at, returned

    pause_s = ROWS_A_TRANSACTION / options.outbox_rate
    start, tasks = time.perf_counter(), []
    for number in range(int((WARM_UP_S + options.seconds) / pause_s)):
        await asyncio.sleep(max(0.0, start + number * pause_s - time.perf_counter()))
        tasks.append(asyncio.create_task(transaction(number)))
    await asyncio.gather(*tasks)


async def _read(log: Log, found: _Latencies) -> None:
    offsets = {TopicPartition(MARKET_PRICES, p): 0 for p in range(PARTITIONS)}
    while True:
        fetched = await log.fetch(offsets, block_ms=1_000)
        at = time.perf_counter()
        for tp, records in fetched.items():
            for record in records:
                found.read[decode(record.value).id] = at
            offsets[tp] = records[-1].offset + 1


def _latency_result(kind: str, runs: list[tuple[_Latencies, float]], options: Parameters) -> Result:
    returned = [run.ms(run.returned, warm) for run, warm in runs]
    begun = [run.ms(run.began, warm) for run, warm in runs]
    return Result(
        f"{kind}: {options.outbox_rate:g} rows/s in transactions of {ROWS_A_TRANSACTION}, a reader of the log",
        {
            "commit done to read p50 ms": figure([percentile(run, 50) for run in returned]),
            "commit done to read p99 ms": figure([percentile(run, 99) for run in returned]),
            "commit begun to read p50 ms": figure([percentile(run, 50) for run in begun]),
            "commit begun to read p99 ms": figure([percentile(run, 99) for run in begun]),
        },
    )


# --- commits ----------------------------------------------------------------------------------------------------------

Work = Callable[[OutboxDatabase, str], Awaitable[None]]


async def _under_the_head(database: OutboxDatabase, name: str) -> None:
    await database.change(name)


async def _by_the_horizon(database: OutboxDatabase, name: str, *, notify: bool = False) -> None:
    async with database.engine.begin() as connection:
        work = UnitOfWork(connection, now())
        await change(work, name)
        [event] = work.emitted
        times = {"time_us": int(event.time), "added_us": int(work.now)}
        if notify:
            await connection.execute(NOTIFY)
        await connection.execute(
            ADD, {"topic": event.data.topic, "key": event.partitionkey, "value": encode(event), **times}
        )


async def _by_the_horizon_with_notify(database: OutboxDatabase, name: str) -> None:
    await _by_the_horizon(database, name, notify=True)


async def _without_events(database: OutboxDatabase, name: str) -> None:
    async with database.engine.begin() as connection:
        await change(UnitOfWork(connection, now()), name)


WAYS: dict[str, Work] = {
    "rows alone": _without_events,
    "head row (ours)": _under_the_head,
    "xid horizon": _by_the_horizon,
    "xid horizon with NOTIFY": _by_the_horizon_with_notify,
}


def _commit_results(postgres: Postgres, options: Parameters) -> Iterator[Result]:
    """Measure the ways in turn, so that a busy moment of the machine meets all of them."""
    asyncio.run(postgres.execute("CREATE DATABASE commits"))
    for writers in WRITERS:
        runs = asyncio.run(_commits(postgres.url("commits"), writers, options))
        yield Result(
            f"postgresql: commits per second of {writers} writers, one row and one event each",
            {f"{way}, commits/s": figure(values) for way, values in runs.items()},
        )


async def _commits(url: str, writers: int, options: Parameters) -> dict[str, list[float]]:
    runs: dict[str, list[float]] = {way: [] for way in WAYS}
    database = OutboxDatabase(url)
    try:
        if writers == WRITERS[0]:
            await migrate(url)
            await database.create()
            async with database.engine.begin() as connection:
                await connection.execute(HORIZON)
        for _ in options.seeds():
            for way, work in WAYS.items():
                runs[way].append(await _rate(database, work, writers, min(COMMIT_S, options.seconds)))
    finally:
        await database.engine.dispose()
    return runs


async def _rate(database: OutboxDatabase, work: Work, writers: int, seconds: float) -> float:
    done, began = 0, time.perf_counter()

    async def write(writer: int) -> None:
        nonlocal done
        number = 0
        while time.perf_counter() < began + seconds:
            await work(database, f"writer-{writer}-{number % ACCOUNTS_A_WRITER}")
            number += 1
            done += 1

    await asyncio.gather(*(write(writer) for writer in range(writers)))
    return done / (time.perf_counter() - began)
