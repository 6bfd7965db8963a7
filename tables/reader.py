"""Read tables from the log's snapshots: rows, whole tables and rankings. Each answer has its position.

Answers are committed and current, and need no request to a worker. Depends on `streams` only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from faust_redis.log import Position
from faust_redis.log.partitioner import partition_for

from tables.rankings import RankingReader
from tables.shard_reads import looked_up_again

SCAN_COUNT = 500  # rows that a scan step asks the server for
COPY_SHOWN = 0
"""The partition whose copy clients see of a table that every partition fills from a broadcast topic.

The copies differ only while some partitions are behind. To show always the same one keeps its order.
"""


class Row(NamedTuple):
    """One row of a table, as stored."""

    partition: int
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that were all current at one `position`."""

    position: Position
    rows: list[Row]


class TableReader(RankingReader):
    """Reads the tables of one application.

    Methods raise `LogUnavailableError`, and `UnknownTopicError` for a table that does not exist yet.
    """

    async def position(self, table: str) -> Position:
        """Return the table's current position."""
        position, _ = await self._read(table, (), lambda snapshot, _: ("HLEN", snapshot))
        return position

    async def get(self, table: str, key: str, *, owner: str) -> tuple[Position, bytes | None]:
        """Return one row. `owner` is the partition key of the table's records."""
        position, values = await self.get_many(table, [(key, owner)])
        return position, values[0]

    @looked_up_again
    async def get_many(self, table: str, keys: Sequence[tuple[str, str]]) -> tuple[Position, list[bytes | None]]:
        """Return the rows of several (key, owner), in their order, with None for a missing row."""
        count = (await self.log.topic(self.topic(table))).spec.partitions
        partitions = [partition_for(owner.encode(), count) for _, owner in keys]
        wanted: dict[int, list[bytes]] = {}
        for partition, (key, _) in zip(partitions, keys, strict=True):
            wanted.setdefault(partition, []).append(key.encode())
        position, replies = await self._read(table, wanted, lambda snapshot, p: ("HMGET", snapshot, *wanted[p]), count)
        values = {partition: iter(reply) for partition, reply in replies.items()}
        return position, [next(values[partition]) for partition in partitions]

    async def rows(self, table: str) -> Rows:
        """Return all rows at one moment. Use `scan` for large tables, because this read blocks the server."""
        return (await self.rows_of([table]))[table]

    @looked_up_again
    async def rows_of(self, tables: Sequence[str]) -> dict[str, Rows]:
        """Return all rows of several tables, those of a shard at one moment. This read blocks the server."""
        wanted = {table: await self._all_of(table, lambda snapshot, _: ("HGETALL", snapshot)) for table in tables}
        found = await self._read_many(wanted.values())
        return {table: _rows(*one) for table, one in zip(wanted, found, strict=True)}

    async def copy(self, table: str) -> Rows:
        """Return the rows of a table of which every partition has a copy, as partition `COPY_SHOWN` has them."""
        return _rows(*await self._read(table, [COPY_SHOWN], lambda snapshot, _: ("HGETALL", snapshot)))

    @looked_up_again
    async def in_each(self, table: str, key: str) -> dict[int, bytes | None]:
        """Return the row that each partition has under a key, by partition."""
        _, rows = await self._read_all(table, lambda snapshot, _: ("HGET", snapshot, key.encode()))
        return rows

    @looked_up_again
    async def parts(self, table: str, keys: Sequence[str]) -> tuple[Position, list[list[bytes]]]:
        """Return for each key the rows that the partitions have under it, those of a shard at one moment."""
        named = [key.encode() for key in keys]
        if not named:
            return await self.position(table), []
        position, replies = await self._read_all(table, lambda snapshot, _: ("HMGET", snapshot, *named))
        of_each = zip(*replies.values(), strict=True)
        return position, [[part for part in parts if part is not None] for parts in of_each]

    async def scan(self, table: str) -> AsyncIterator[list[Row]]:
        """Yield all rows in steps, not of one moment. A row that changes meanwhile appears in its old or new state."""
        topic = self.topic(table)
        for p in range((await self.log.topic(topic, fresh=True)).spec.partitions):
            cursor, shard = 0, self.log.holder(p)
            while True:
                [(cursor, found)] = await shard.at_once(
                    ("HSCAN", shard.keys.snapshot(topic, p), cursor, "COUNT", SCAN_COUNT)
                )
                yield [Row(p, key.decode(), value) for key, value in found.items()]
                if cursor == 0:
                    break

    async def size(self, table: str) -> int:
        """Return the number of rows of the table."""
        _, sizes = await self._read_all(table, lambda snapshot, _: ("HLEN", snapshot))
        return sum(sizes.values())


def _rows(position: Position, snapshots: Mapping[int, Mapping[bytes, bytes]]) -> Rows:
    found = [(p, key, value) for p, rows in snapshots.items() for key, value in rows.items()]
    return Rows(position, [Row(p, key.decode(), value) for p, key, value in found])
