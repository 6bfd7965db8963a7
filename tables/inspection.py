"""Look at the rows under a key of any table, now or as of a position, in every partition that has one."""

from __future__ import annotations

import json
from typing import Any

from faust_redis.admin import Admin
from faust_redis.cli.text import readable
from faust_redis.log import Position

from streams.topology import TableSpec
from streams.wire import WireError
from tables.history import ReadBound, rows_at
from tables.reader import TableReader


async def rows_now(reader: TableReader, table: str, key: str) -> list[bytes]:
    """Return the rows under a key in all partitions: the key alone does not determine the partition of its event."""
    return await Admin(reader.log).values(reader.topic(table), key.encode())


async def rows_then(
    reader: TableReader, table: str, key: str, at: str, *, records_max: int | None = None
) -> list[bytes]:
    """Return the rows under a key as they were at a position, in all partitions that the position names.

    Args:
        reader: The reader of the tables.
        table: The table.
        key: The key.
        at: A position of the table, with or without its topic.
        records_max: The most changes to read, of all partitions together.

    Raises:
        ValueError: the position is none of this table, or names a partition that the table does not have.
        HistoryError: the log does not keep enough to say what was then.
    """
    topic = reader.topic(table)
    position = Position.parse(at) if "@" in at else Position.parse_tag(topic, at)
    if position.topic != topic:
        raise ValueError(f"the position is one of {position.topic}; table {table} has positions of {topic}")
    partitions = await reader.log.end_offsets(topic)
    if strange := position.offsets.keys() - partitions.keys():
        raise ValueError(f"there is no partition {min(strange)} of {topic}, which has {len(partitions)}")
    bound = ReadBound(records_max)
    found = [await rows_at(reader.log, position, partition, [key.encode()], bound) for partition in position.offsets]
    return [row for [row] in found if row is not None]


def row_text(table: TableSpec[Any], value: bytes, *, indent: int | None = None) -> str:
    """Return a stored row as JSON with the names of its fields, or as far as it can be read.

    Text keeps the digits of amounts, which are integers that many readers of JSON would round.
    """
    if table.model is not None:
        try:
            return json.dumps(table.model.load(value).as_json(), ensure_ascii=False, indent=indent)
        except WireError:
            pass
    return readable(value)
