"""Community: the commands of a simulated community through all six services: what each costs, and how long each takes.

First the records of each step are appended at once, which tells the CPU and the throughput. Then the same records are
appended at a part of that throughput, which tells the time from the append of a command to the commit of its domain:
from then on the rows of that domain show the command.
Steps wait for one another, as in `tests.community`, so that a command finds what the commands before it left.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from faust_redis.log import Log, Record, TopicPartition

from tables.domains import TOPOLOGY
from tests.bench.figures import Figure, figure, percentile
from tests.bench.group_progress import APP_ID
from tests.bench.parameters import Parameters
from tests.bench.resource_usage import cpu_seconds
from tests.bench.result import Result
from tests.community.behaviour.life import START_US, Plan
from tests.community.cluster_life import ClusterBackend, lived
from tests.community.cluster_run import CLASSES
from tests.community.journal import TICK, Entry
from tests.community.servers.again import Recorded, built
from tests.community.servers.installation import Installation
from tests.community.servers.quiet import Quiet

PARTITIONS = 4
LOOK_S = 0.001
MS = 1_000
MICROSECONDS = 1_000_000


@dataclass(slots=True)
class Run:
    """One run over the journal.

    Attributes:
        busy_s: Wall-clock seconds from the first append of each step until it was quiet, summed.
        cpu_s: CPU seconds of each service, and of the broker.
        latencies_s: Seconds from just before a command is appended until its domain has committed it, by domain.
    """

    busy_s: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)
    latencies_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def measure(options: Parameters) -> Iterator[Result]:
    """Measure a community of `people`."""
    plan = Plan(users=options.people, days=options.days, seed=options.seed, activity=0.5)
    backend = lived(plan, PARTITIONS)
    records = built(backend.journal, PARTITIONS)
    commands = Counter(domain for entry in backend.journal if (domain := domain_of(entry)))
    full, half = [], []
    for _ in range(options.runs):
        full.append(_run(backend, records, None))
        rate = options.load * len(backend.journal) / full[-1].busy_s
        options.say(f"  {len(backend.journal) / full[-1].busy_s:,.0f} entries/s; now {rate:,.0f}/s")
        half.append(_run(backend, records, rate))
    yield _total(options, len(backend.journal), full)
    for domain in TOPOLOGY.names:
        own = f"{commands[domain]:,} of {len(backend.journal):,} entries are its commands"
        yield Result(f"{domain}: {own}, at {options.load:g} of the throughput", _of(domain, full, half))


def _of(domain: str, full: Sequence[Run], half: Sequence[Run]) -> dict[str, Figure]:
    found = {"CPU ms in all": figure([MS * run.cpu_s[domain] for run in full])}
    latencies = [run.latencies_s[domain] for run in half if run.latencies_s[domain]]
    for percent in (50, 99) if latencies else ():
        found[f"accepted to visible p{percent} ms"] = figure([MS * percentile(one, percent) for one in latencies])
    return found


def _total(options: Parameters, count: int, runs: Sequence[Run]) -> Result:
    return Result(
        f"{options.people:,} people, {options.days} days, {count:,} entries of the journal; a process for each domain",
        {
            "entries/s": figure([count / run.busy_s for run in runs]),
            "entries/s per service core": figure(
                [count / sum(cpu for name, cpu in run.cpu_s.items() if name != "broker") for run in runs]
            ),
            "broker CPU us an entry": figure([MICROSECONDS * run.cpu_s["broker"] / count for run in runs]),
        },
    )


def domain_of(entry: Entry) -> str | None:
    """Return the domain that takes a command; None for a tick, and for a fact of an account."""
    if entry.name == TICK:
        return None
    model = CLASSES[entry.name]
    return next((domain.name for domain in TOPOLOGY.domains if model in domain.commands), None)


def _run(backend: ClusterBackend, records: Recorded, rate: float | None) -> Run:
    with (
        tempfile.TemporaryDirectory() as directory,
        Installation(Path(directory) / "run", start_at=START_US, partitions=PARTITIONS, gateway=False) as installation,
    ):
        return asyncio.run(_played(installation, backend, records, rate))


async def _played(installation: Installation, backend: ClusterBackend, records: Recorded, rate: float | None) -> Run:
    settings, run = installation.settings, Run()
    pids = {name: child.pid for name, child in installation.services.items()} | {"broker": installation.server.pid}
    async with Log(installation.server.url, settings.namespace, owner=settings.app_id) as log:
        quiet, watch = Quiet(log, installation.check), Watch(log, run)
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        for begin, end in pairwise([0, *backend.steps]):
            entries = backend.journal[begin:end]
            began = time.monotonic()
            if rate is None:
                await log.append([record for entry in entries for record in records[entry.id]])
            else:
                await watch.during(_at_rate(log, watch, entries, records, rate))
            await quiet.wait()
            run.busy_s += time.monotonic() - began
        run.cpu_s = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
    return run


async def _at_rate(log: Log, watch: Watch, entries: Sequence[Entry], records: Recorded, rate: float) -> None:
    """Append entries at their due times, those that are due together in one write."""
    began, done = time.monotonic(), 0
    while done < len(entries):
        due = min(len(entries), int((time.monotonic() - began) * rate) + 1)
        if due > done:
            batch = [(entry, record) for entry in entries[done:due] for record in records[entry.id]]
            watch.note(batch)
            await log.append([record for _, record in batch])
            done = due
        await asyncio.sleep(max(0.0, began + done / rate - time.monotonic()))


class Watch:
    """Notes for each command when it was appended, and when the group of its domain has committed it."""

    def __init__(self, log: Log, run: Run) -> None:
        self._log, self._run = log, run
        self._ends: dict[TopicPartition, int] = {}
        self._waiting: dict[tuple[str, TopicPartition], deque[tuple[int, float]]] = defaultdict(deque)

    def note(self, batch: Sequence[tuple[Entry, Record]]) -> None:
        """Note what is appended now. This process alone appends to the topics of commands."""
        now = time.monotonic()
        for entry, record in batch:
            assert record.partition is not None
            tp = TopicPartition(record.topic, record.partition)
            offset = self._ends.get(tp, 0)
            self._ends[tp] = offset + 1
            domain = domain_of(entry)
            if domain is not None:
                self._waiting[domain, tp].append((offset, now))

    async def during(self, appending: Coroutine[Any, Any, None]) -> None:
        """Watch while something is appended, and until all of it is committed."""
        task = asyncio.create_task(appending)
        while not task.done() or any(self._waiting.values()):
            await self._look()
            await asyncio.sleep(LOOK_S)
        await task

    async def _look(self) -> None:
        domains = sorted({domain for (domain, _), waiting in self._waiting.items() if waiting})
        keys = self._log.keys
        replies = await self._log.at_once(
            *(("HGETALL", keys.offsets(TOPOLOGY.group(APP_ID, domain))) for domain in domains)
        )
        now = time.monotonic()
        committed = dict(zip(domains, replies, strict=True))
        for (domain, tp), waiting in self._waiting.items():
            done = int(committed.get(domain, {}).get(f"{tp.topic}:{tp.partition}".encode(), 0))
            while waiting and waiting[0][0] < done:
                self._run.latencies_s[domain].append(now - waiting.popleft()[1])
