"""A broker with the log and the tables of a community whose topics were given more partitions while it lived.

The community lives on the cluster of the rules' tests, which has no broker. What it appended and wrote is then left on
a real broker, as workers would have done, and `astratrade partitions resize` moves the rows there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Final

from click.testing import CliRunner, Result
from faust_redis.log import Log, Record, TopicPartition

from deploy.cli.main import cli
from streams.events import AnyEvent, encode
from streams.topology import changelog_topic
from tables.domains import TOPOLOGY
from tests.archive.world import archiver
from tests.community.behaviour.life import Life, Plan
from tests.community.cluster_life import ClusterBackend
from tests.community.resized import PARTITIONS, Tables, resize, tables_of
from tests.community.rulebook import rulebook_text

APP: Final = "astratrade"
SPECS: Final = (
    *TOPOLOGY.topic_specs(PARTITIONS, archived=True),
    *TOPOLOGY.changelog_specs(APP, PARTITIONS, archived=True),
)
KEPT_DAYS: Final = 0
"""No rows leave."""


@dataclass(frozen=True, slots=True)
class Rest:
    """A moment at which a community had handled all its events, and got more partitions.

    Attributes:
        lengths: The lengths of the logs of all partitions.
        before: The rows before that.
        after: The rows afterwards.
        partitions: The number of partitions afterwards.
    """

    lengths: list[int]
    before: Tables
    after: Tables
    partitions: int


@dataclass(slots=True)
class Divided:
    """A community, and the moments at which it got more partitions."""

    backend: ClusterBackend
    numbers: Mapping[int, int]
    rests: list[Rest] = field(default_factory=list)

    def told(self, day: int, _: int) -> None:
        """Give the cluster more partitions at the end of some days, from 0 on."""
        if (partitions := self.numbers.get(day)) is not None:
            cluster = self.backend.cluster
            lengths, before = [len(log) for log in cluster.logs], tables_of(cluster)
            resize(cluster, partitions)
            self.rests.append(Rest(lengths, before, tables_of(cluster), partitions))


def live_divided(plan: Plan, numbers: Mapping[int, int]) -> Divided:
    """Let a community live that gets more partitions at the end of some days."""
    run = Divided(ClusterBackend(PARTITIONS, plan.seed, Random(plan.seed), KEPT_DAYS), numbers)
    asyncio.run(Life(plan, run.backend, run.told).live())
    return run


class Installation:
    """Leaves on a broker what workers would have left, and runs commands there."""

    def __init__(self, log: Log, broker_url: str, directory: Path, divided: Divided) -> None:
        self.log, self._divided = log, divided
        self._written: Mapping[int, int] = {}
        self._rows: dict[tuple[str, int, str], bytes] = {}
        self.archive = directory / "archive"
        book = directory / "rules.toml"
        book.write_text(rulebook_text(KEPT_DAYS))
        self.environment = {
            "ASTRA_BROKER_URL": broker_url,
            "ASTRA_NAMESPACE": log.keys.namespace,
            "ASTRA_APP_ID": APP,
            "ASTRA_RULEBOOK": str(book),
            "ASTRA_ARCHIVE": str(self.archive),
        }

    async def run(self, *arguments: str, **settings: str) -> Result:
        """Run a command of the program."""
        environment = self.environment | settings
        return await asyncio.to_thread(CliRunner().invoke, cli, list(arguments), env=environment)

    async def create(self) -> None:
        """Create all topics."""
        for spec in SPECS:
            await self.log.create_topic(spec)

    async def trim(self, topics: Collection[str]) -> None:
        """Move the records of some topics to the archive, except the last entry of each partition, as trimming does."""
        files = archiver(self.log, self.archive)
        for info in await files.topics():
            for partition, backlog in (await files.backlogs(info)).items():
                if info.spec.name in topics and backlog.size:
                    await files.archive(info, partition, backlog)
                    await self.log.redis.xtrim(self.log.keys.stream(info.spec.name, partition), 1, approximate=False)

    async def resize(self, rest: Rest) -> None:
        """Write what happened before a moment, and give the topics more partitions."""
        await self.write(rest)
        old = len({partition for rows in rest.before.values() for partition in rows})
        run = await self.run("partitions", "resize", str(old), str(rest.partitions))
        assert run.exit_code == 0, run.output
        for spec in SPECS:
            await self.log.topic(spec.name, fresh=True)
        self._rows = flat(rest.after)
        assert await self.rows() == self._rows, "the command divides rows as the community's cluster does"

    async def write(self, rest: Rest) -> None:
        """Write what happened before a moment."""
        await self._write(rest.lengths, rest.before)

    async def finish(self) -> None:
        """Write what happened since."""
        cluster = self._divided.backend.cluster
        await self._write([len(log) for log in cluster.logs], tables_of(cluster))

    async def rows(self) -> dict[tuple[str, int, str], bytes]:
        """Return all rows of the broker."""
        found = {}
        for table in TOPOLOGY.tables:
            topic = changelog_topic(APP, table.name)
            for partition in range((await self.log.topic(topic)).spec.partitions):
                async for rows in self.log.rows(TopicPartition(topic, partition)):
                    found.update({(table.name, partition, key.decode()): raw for key, raw in rows})
        return found

    async def _write(self, lengths: list[int], tables: Tables) -> None:
        logs = self._divided.backend.cluster.logs
        for partition, length in enumerate(lengths):
            events = logs[partition][self._written.get(partition, 0) : length]
            for topic, some in groupby(events, lambda one: one.topic):  # a write of one topic keeps the append order
                await self.log.append([_record(topic, partition, one.event) for one in some])
        rows = flat(tables)
        changed = {place: raw for place, raw in rows.items() if self._rows.get(place) != raw}
        changes = [*changed.items(), *((place, None) for place in self._rows.keys() - rows.keys())]
        await self.log.append(
            [
                Record(changelog_topic(APP, table), partition, key.encode(), raw, 0)
                for (table, partition, key), raw in changes
            ]
        )
        self._written, self._rows = dict(enumerate(lengths)), rows
        for domain in TOPOLOGY.names:
            offsets = self.log.keys.offsets(TOPOLOGY.group(APP, domain))
            for topic in TOPOLOGY.domain(domain).consumes:
                ends = await self.log.end_offsets(topic)
                await self.log.redis.hset(offsets, mapping={f"{topic}:{p}": str(end) for p, end in ends.items()})


def _record(topic: str, partition: int, event: AnyEvent) -> Record:
    return Record(topic, partition, event.partitionkey.encode(), encode(event), event.time.milliseconds())


def flat(tables: Tables) -> dict[tuple[str, int, str], bytes]:
    """Return all rows by table, partition and key."""
    return {
        (table, partition, key): raw
        for table, parts in tables.items()
        for partition, rows in parts.items()
        for key, raw in rows.items()
    }
