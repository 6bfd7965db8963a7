"""Read the tables of some domains at one moment, without a pause of the workers, and keep them in a file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from faust_redis.admin import Admin
from faust_redis.log import Log, TopicPartition, TrimmedError

from deploy.eras import refuse_moving
from deploy.errors import DeployError
from streams.search_bounds import FETCH_RECORDS
from streams.topology import Topology, changelog_topic

OWNER_ONLY: Final = 0o600
FORMAT: Final = 1

Rows = dict[bytes, bytes]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Tables and positions of one moment.

    Attributes:
        domains: The domains whose tables these are.
        incarnations: The incarnation of each topic of events.
        ends: The end of each partition of the topics of events.
        committed: For each domain the next record that it will process, of each partition that it has begun.
        rows: The rows by table and partition.
        format: The version of this layout in a file.
    """

    domains: tuple[str, ...]
    incarnations: dict[str, str]
    ends: dict[str, dict[int, int]]
    committed: dict[str, dict[str, int]]
    rows: dict[str, dict[int, Rows]]
    format: int = FORMAT

    @property
    def partitions(self) -> int:
        """Return the number of partitions of all topics."""
        return max((len(ends) for ends in self.ends.values()), default=0)

    def processed(self, domain: str, tp: TopicPartition) -> int:
        """Return the offset that a domain processes next."""
        return self.committed.get(domain, {}).get(_place(tp), 0)

    def end(self, tp: TopicPartition) -> int:
        """Return the end of a partition of a topic of events."""
        return self.ends.get(tp.topic, {}).get(tp.partition, 0)

    @property
    def size(self) -> int:
        """Return the number of rows."""
        return sum(len(rows) for partitions in self.rows.values() for rows in partitions.values())

    def write(self, file: Path) -> None:
        """Write the moment to a file that its owner alone may read, also when others could read it before."""
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY), "wb") as stream:
            os.fchmod(stream.fileno(), OWNER_ONLY)
            stream.write(msgspec.msgpack.encode(self))


def read(file: Path) -> Moment:
    """Read the file of a moment.

    Raises:
        DeployError: it is no such file, or one of another version.
    """
    try:
        found = msgspec.msgpack.decode(file.read_bytes(), type=Moment)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise DeployError(f"{file} cannot be read as the tables of a moment: {exc}") from exc
    if found.format != FORMAT:
        raise DeployError(f"{file} has format {found.format}, this version reads {FORMAT}; record it again")
    return found


async def moment(log: Log, topology: Topology, app_id: str, domains: Iterable[str]) -> Moment:
    """Read the present moment.

    A scan of the snapshots takes a while. The changes that happen meanwhile are then applied from the changelogs, up to
    one position that is read together with the committed offsets.

    Raises:
        ResizingError: rows moved to other partitions meanwhile.
    """
    chosen, known = tuple(domains), set(await log.topics())
    events = [topic for topic in topology.topics if topic in known]
    tables = {
        table.name: topic
        for table in topology.tables
        if table.domain in chosen and (topic := changelog_topic(app_id, table.name)) in known
    }
    for topic in [*events, *tables.values()]:
        await log.topic(topic, fresh=True)  # a resize may have ended since this client looked it up
    begins = {topic: await log.end_offsets(topic) for topic in tables.values()}
    rows: dict[str, dict[int, Rows]] = {table: {} for table in tables}
    for table, topic in tables.items():
        for partition in begins[topic]:
            rows[table][partition] = await _scanned(log, TopicPartition(topic, partition))
    groups = {name: topology.group(app_id, name) for name in chosen}
    committed, ends = await Admin(log).committed_and_ends(groups.values(), [*events, *tables.values()])
    await refuse_moving(log, {topic: len(offsets) for topic, offsets in begins.items()})
    for table, topic in tables.items():
        for partition, offset in begins[topic].items():
            tp = TopicPartition(topic, partition)
            await _roll_forward(log, tp, range(offset, ends[topic].get(partition, 0)), rows[table][partition])
    return Moment(
        domains=chosen,
        incarnations={topic: (await log.topic(topic, fresh=True)).incarnation for topic in events},
        ends={topic: {p: ends[topic].get(p, 0) for p in await log.end_offsets(topic)} for topic in events},
        committed={
            name: {_place(tp): offset for tp, offset in committed[group].items()} for name, group in groups.items()
        },
        rows=rows,
    )


async def _scanned(log: Log, tp: TopicPartition) -> Rows:
    found: Rows = {}
    async for some in log.rows(tp):
        found.update(some)
    return found


def _place(tp: TopicPartition) -> str:
    return f"{tp.topic}:{tp.partition}"


async def _roll_forward(log: Log, tp: TopicPartition, changes: range, rows: Rows) -> None:
    """Apply the changes of some offsets of a changelog."""
    offset = changes.start
    while offset < changes.stop:
        records = (await log.fetch({tp: offset}, count=FETCH_RECORDS)).get(tp, [])
        if not records or records[0].offset != offset:
            raise TrimmedError(f"retention removed change {offset} of {tp.topic}:{tp.partition} meanwhile")
        for record in records:
            if record.key is None or record.offset >= changes.stop:
                continue
            if record.value is None:
                rows.pop(record.key, None)
            else:
                rows[record.key] = record.value
        offset = records[-1].offset + 1
