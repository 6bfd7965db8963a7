"""One run of an agent over a topic that was filled before: how long until all is committed, and is the result right?

The workers come up and warm up on the first events. The bench then pauses them (SIGSTOP) and fills the topic. The clock
runs from their resumption until the group has committed the last event.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from faust_redis.log import Log, Record, TopicSpec

from deploy.errors import DeployError
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from tests.bench import payload
from tests.bench.apps.spec import WorkerSpec
from tests.bench.fleet import Fleet, fleet
from tests.bench.resource_usage import Meter, Spent

NAME = "bench"
TOPIC = "orders"
OUTPUT = "counted"
PARTITIONS = 4
LEASE_S = 300.0
"""Workers are stopped while the topic is filled, and are not to lose their partitions for it."""

DEADLINE_S = 1_200.0
READ_RECORDS = 1_000
SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Job:
    """The job of a run: kind and style of agent, store of its table, number of events, warm-up and worker processes."""

    kind: str
    style: str
    store: str
    events: int
    warm_up: int
    workers: int = 1


def drain(job: Job, seed: int) -> Spent:
    """Run the job once, on a broker of its own.

    Raises:
        DeployError: when the workers fail, or the final table or outputs do not match the events.
    """
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        with EmbeddedServer(directory, find_binary()) as server:
            return asyncio.run(_drain(job, seed, server, directory))


async def _drain(job: Job, seed: int, server: EmbeddedServer, directory: Path) -> Spent:
    first = payload.records(TOPIC, PARTITIONS, job.warm_up, seed)
    rest = payload.records(TOPIC, PARTITIONS, job.events, seed, job.warm_up)
    async with warm_fleet(job, server, directory, first) as workers:
        workers.pause()
        await payload.append(workers.log, rest)
        meter = Meter(workers.pids, server.pid).begin()
        workers.resume()
        await workers.drained(DEADLINE_S)
        spent = meter.spent(job.events)
        await check(workers.log, workers.spec, payload.counted(first + rest))
        return spent


@asynccontextmanager
async def warm_fleet(job: Job, server: EmbeddedServer, directory: Path, first: list[Record]) -> AsyncIterator[Fleet]:
    """Start the job's workers and wait until they have processed the first events."""
    spec = WorkerSpec(
        app=NAME,
        url=server.url,
        namespace=NAME,
        topic=TOPIC,
        output=OUTPUT,
        partitions=PARTITIONS,
        kind=job.kind,
        style=job.style,
        store=job.store,
        directory=str(directory),
        lease_s=LEASE_S,
    )
    async with Log(server.url, NAME) as log:
        await log.create_topic(TopicSpec(TOPIC, PARTITIONS))
        await log.create_topic(TopicSpec(OUTPUT, PARTITIONS))
        async with fleet(log, spec, directory, job.workers) as workers:
            await payload.append(log, first)
            await workers.drained(DEADLINE_S)
            yield workers


async def check(log: Log, spec: WorkerSpec, sent: Counter[str]) -> None:
    """Check that the table holds how often each key was sent, and that each event has had one output.

    Raises:
        DeployError: when it is not so.
    """
    if spec.kind != "stateless":
        found = await table(log, spec)
        wrong = sorted(key for key in sent.keys() | found.keys() if sent[key] != found.get(key))
        if wrong:
            shown = ", ".join(f"{key}: {found.get(key)} and not {sent[key]}" for key in wrong[:SHOWN])
            raise DeployError(f"the table is wrong in {len(wrong)} keys ({shown})")
    if spec.kind == "output" and (had := await outputs(log, spec)) != list(range(sent.total())):
        raise DeployError(f"{sent.total()} events had {len(had)} outputs, of {len(set(had))} different events")


async def table(log: Log, spec: WorkerSpec) -> dict[str, int]:
    """Return the committed table, as every process may read it."""
    found: dict[str, int] = {}
    for place in payload.places(spec.changelog, spec.partitions):
        async for rows in log.rows(place):
            found.update((orjson.loads(key), orjson.loads(value)) for key, value in rows)
    return found


async def outputs(log: Log, spec: WorkerSpec) -> list[int]:
    """Return the numbers of all events that had an output, in order."""
    found: list[int] = []
    for place in payload.places(spec.output, spec.partitions):
        offset = 0
        while batch := await log.fetch({place: offset}, count=READ_RECORDS):
            offset = batch[place][-1].offset + 1
            found += [number_of(record.value) for record in batch[place]]
    return sorted(found)


def number_of(output: bytes | None) -> int:
    """Return the number of the event that an output belongs to."""
    return int(orjson.loads(output or b"")["id"]) - payload.ID_FIRST
