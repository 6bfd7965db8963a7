"""Read rows as they were at an earlier position: `?at=`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import Query
from faust_redis.log import Position
from faust_redis.log.partitioner import partition_for

from api.kit.context import Api
from api.kit.former_partitions import partitions_at
from api.kit.problems import POSITION_GONE, Problem, invalid
from streams.topology import TableSpec
from tables.history import HistoryError, ReadBound, rows_at

RECORDS_MAX: Final = 50_000
"""The most changes that one request reads. The command `astratrade tables get --at` reads any number."""

At = Annotated[
    str | None,
    Query(description="the `position` of an earlier answer: show what it showed", max_length=2_048),
]


async def rows(
    api: Api, table: TableSpec[Any], keys: Sequence[str], owner: str, at: str | None
) -> tuple[Position, list[bytes | None]]:
    """Return rows of one partition, and the position they are true for: the present one, or an earlier one.

    Args:
        api: The parts of the process.
        table: The table.
        keys: The keys of the rows.
        owner: The partition key of the table's records: for most tables the user.
        at: The position of an earlier answer; None for the present rows.

    Raises:
        Problem: 422 when `at` is no position of the table, 410 when the log does not keep enough to say what was then.
    """
    if at is None:
        return await api.tables.get_many(table.name, [(key, owner) for key in keys])
    topic = api.tables.topic(table.name)
    try:
        position = Position.parse(at)
    except ValueError as exc:
        raise invalid("at", str(exc)) from exc
    if position.topic != topic:
        raise invalid("at", f"expected a position of {topic!r}, which answers here name; got one of {position.topic!r}")
    count = await partitions_at(api.log, position, (await api.log.topic(topic)).spec.partitions)
    partition = partition_for(owner.encode(), count)
    try:
        found = await rows_at(api.log, position, partition, [key.encode() for key in keys], ReadBound(RECORDS_MAX))
    except HistoryError as exc:
        raise Problem(POSITION_GONE, str(exc)) from exc
    return position, found
