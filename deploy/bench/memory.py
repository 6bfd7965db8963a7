"""What a user, a fill and an act of each domain take: on the broker, and in the RocksDB of a worker.

A load grows in equal steps. After each step the measurement asks the broker what every key takes (`MEMORY USAGE`), and
writes the rows into a RocksDB as a worker does that recovers. A share is the slope of a line over these steps.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import correlation, linear_regression
from typing import Final, NamedTuple

from faust_redis.log import Log
from faust_redis.rocksdb.database import Database

from deploy.bench.installation import Installation
from deploy.bench.load import KINDS, Act, Load
from streams import topics
from streams.topology import changelog_topic
from tables.domains import TOPOLOGY

EVENTS, CHANGES, ROWS, RANKINGS, DISK = "events", "changes", "rows", "rankings", "disk"
PLACES: Final = (EVENTS, CHANGES, ROWS, RANKINGS, DISK)
CLOCK: Final = "clock"
STEPS: Final = 4
ROWS_AT_ONCE: Final = 1_000


class Place(NamedTuple):
    """One kind of bytes of one domain, or of the clock."""

    domain: str
    what: str


class Line(NamedTuple):
    """A line through the points of a load: bytes of one more act, and how well the line fits (R²)."""

    slope: float
    r2: float


ALL_ENTRIES: Final = Place("all", "entries")
"""Not bytes, but how many entries all rankings have."""

Used = Mapping[Place, int]
Lines = Mapping[Place, Line]


@dataclass(frozen=True, slots=True)
class Report:
    """What one act of each kind takes in each place, and one entry of a ranking."""

    acts: Mapping[str, Lines]
    ranking_entry: Line
    entries_a_user: Line


def measure(sizes: Mapping[str, int], *, rate: float, seed: int, partitions: int, say: Callable[[str], None]) -> Report:
    """Measure loads one after another, on a broker and a worker that start empty.

    Args:
        sizes: How many acts of each kind, at least four. Kinds that are absent are left out; users are needed.
        rate: Acts a second. At a higher rate a worker packs more records into a batch, and each takes fewer bytes.
        seed: The seed of the loads.
        partitions: Partitions of each topic.
        say: Prints a line of progress.
    """
    with (
        tempfile.TemporaryDirectory(prefix="astratrade-bench-") as directory,
        Installation(Path(directory), partitions=partitions) as installation,
    ):
        return asyncio.run(_measured(installation, sizes, rate, Load(seed, partitions), say))


async def _measured(
    installation: Installation, sizes: Mapping[str, int], rate: float, load: Load, say: Callable[[str], None]
) -> Report:
    acts: dict[str, Lines] = {}
    entries = entry = Line(0, 1)
    async with installation.log() as log:
        for kind in filter(sizes.__contains__, KINDS):
            make, step = load.maker(kind), sizes[kind] // STEPS
            points = []
            for count in (1, *[step] * STEPS):  # what only the first act of a kind leaves is not in the line
                await _append(log, make, count, rate)
                await installation.wait_until_quiet(log)
                points.append(await used(log, installation.settings.app_id))
            acts[kind] = {place: _line(step, [one[place] for one in points]) for place in _places(points[-1])}
            say(f"{kind}: {step * STEPS:,}")
            if kind == "user":
                counts = [one[ALL_ENTRIES] for one in points]
                entries, entry = _line(step, counts), fit(counts, [_in_rankings(one) for one in points])
    return Report(acts, entry, entries)


async def _append(log: Log, make: Callable[[], Act], count: int, rate: float) -> None:
    """Append acts at a rate, each record on its own as its sender does."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number in range(count):
        await asyncio.sleep(max(0.0, begun + number / rate - loop.time()))
        for record in make():
            await log.append([record])


async def used(log: Log, app_id: str) -> Counter[Place]:
    """Return what each place takes, in bytes, and how many entries the rankings have."""
    found = Counter[Place]()
    owners = {topic: owner(topic) for topic in TOPOLOGY.topics}
    tables = {changelog_topic(app_id, table.name): table.domain for table in TOPOLOGY.tables}
    async for raw in log.redis.scan_iter(match=f"{log.keys.prefix}*", count=ROWS_AT_ONCE):
        kind, _, rest = raw.decode().removeprefix(log.keys.prefix).partition(":")
        topic = rest.partition(":")[0]
        place = _place(kind, topic, owners, tables)
        if place is None:
            continue
        found[place] += int(await log.redis.memory_usage(raw, samples=0) or 0)
        if kind == "rank":
            found[ALL_ENTRIES] += await log.redis.zcard(raw)
    for domain in TOPOLOGY.names:
        found[Place(domain, DISK)] = await on_disk(log, [name for name, its in tables.items() if its == domain])
    return found


def _place(kind: str, topic: str, owners: Mapping[str, str], tables: Mapping[str, str]) -> Place | None:
    """Return where the bytes of a key belong; None for keys that do not grow with a load."""
    if kind == "log" and topic in owners:
        return Place(owners[topic], EVENTS)
    what = {"log": CHANGES, "snap": ROWS, "rank": RANKINGS}.get(kind)
    return Place(tables[topic], what) if what and topic in tables else None


def owner(topic: str) -> str:
    """Return whose a topic is: the domain that it is named for, or takes its commands, or reads it; or the clock's."""
    if topic == topics.CLOCK:
        return CLOCK
    named = topic.split(".")[1]
    if named in TOPOLOGY.names:
        return named
    takes = [domain.name for domain in TOPOLOGY.domains if any(model.topic == topic for model in domain.commands)]
    return (takes or [domain.name for domain in TOPOLOGY.consumers(topic)])[0]


async def on_disk(log: Log, changelogs: list[str]) -> int:
    """Return the bytes of the files of a RocksDB with the rows of some tables."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rocksdb"
        database = Database.acquire(path)
        for changelog in changelogs:
            for partition in range((await log.topic(changelog)).spec.partitions):
                await _copy(log, changelog, partition, database)
        database.release()
        database = Database.acquire(path)  # opening writes the memory table to a file
        try:
            return database.sizes().files
        finally:
            database.release()


async def _copy(log: Log, changelog: str, partition: int, database: Database) -> None:
    key = log.keys.snapshot(changelog, partition)
    rows = [(bytes(key), bytes(value)) async for key, value in log.redis.hscan_iter(key, count=ROWS_AT_ONCE)]
    database.write(changelog, partition, rows)


def _places(last: Used) -> list[Place]:
    """Return the places that hold something, domain by domain."""
    return [
        place
        for domain in (*TOPOLOGY.names, CLOCK)
        for place in (Place(domain, what) for what in PLACES)
        if last.get(place)
    ]


def _in_rankings(used_: Used) -> int:
    return sum(size for place, size in used_.items() if place.what == RANKINGS)


def _line(step: int, values: list[int]) -> Line:
    return fit([step * number for number in range(len(values))], values)


def fit(sizes: list[int], values: list[int]) -> Line:
    """Return the line through points. Points on one level fit it well."""
    if len(set(values)) == 1 or len(set(sizes)) == 1:
        return Line(0.0, 1.0)
    return Line(linear_regression(sizes, values).slope, correlation(sizes, values) ** 2)
