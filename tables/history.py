"""Read the row of a key as it was at a position of its table's changelog.

The changelog of a table keeps its last changes beside the snapshot. So a row of the past is known as far back as these
reach: it is the value of the key's last record below the position. A key that did not change later has its present row.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final, NamedTuple

from faust_redis.log import Log, Position, TopicPartition, UnknownTopicError

FETCH_RECORDS: Final = 2_000


class HistoryError(Exception):
    """The log cannot say what the row was at the position. The message says why."""


class _Changes(NamedTuple):
    """What the kept records say of some keys: the row after the last change below a limit, and the first change after.

    Attributes:
        before: Rows by key, for keys with a record below the limit.
        later: Offsets by key, for keys with a record from the limit on.
        begins: The first offset that was read.
    """

    before: dict[bytes, bytes | None]
    later: dict[bytes, int]
    begins: int


async def rows_at(
    log: Log, position: Position, partition: int, keys: Sequence[bytes], *, records_max: int | None = None
) -> list[bytes | None]:
    """Return the rows that some keys of a partition had at a position; None for a key that had none.

    Args:
        log: The log.
        position: A position of the table's changelog. All records below its offsets count.
        partition: The partition of the rows.
        keys: The keys as stored.
        records_max: The most changes to read.

    Raises:
        HistoryError: the position is of another epoch, is beyond the end, or is older than the changes that are kept.
    """
    tp = TopicPartition(position.topic, partition)
    limit = await _limit(log, position, tp)
    end, present = await _present(log, tp, keys)
    if limit > end:
        raise HistoryError(f"{tp.topic}:{partition} ends at {end}, before {limit}; the broker was rolled back")
    begins = (await log.beginning_offsets(tp.topic))[partition]
    if records_max is not None and end - begins > records_max:
        raise HistoryError(f"{end - begins} changes would have to be read; {records_max} is the most here")
    changes = await _changes(log, tp, frozenset(keys), limit, range(begins, end))
    return [_row(tp, key, row, changes) for key, row in zip(keys, present, strict=True)]


def _row(tp: TopicPartition, key: bytes, present: bytes | None, changes: _Changes) -> bytes | None:
    if key in changes.before:
        return changes.before[key]
    if key not in changes.later:
        return present
    if changes.begins == 0:
        return None
    raise HistoryError(
        f"the log keeps the changes of {tp.topic}:{tp.partition} from offset {changes.begins} on; the row changed at "
        f"{changes.later[key]}, and what it was before is gone"
    )


async def _limit(log: Log, position: Position, tp: TopicPartition) -> int:
    try:
        info = await log.topic(tp.topic, fresh=True)
    except UnknownTopicError as exc:
        raise HistoryError(f"topic {tp.topic!r} does not exist") from exc
    if info.incarnation != position.epoch:
        raise HistoryError(f"epoch {position.epoch!r} of {tp.topic!r} is over; the present one is {info.incarnation!r}")
    if tp.partition not in position.offsets:
        raise HistoryError(f"the position says nothing of partition {tp.partition}, where the row is")
    return position.offsets[tp.partition]


async def _present(log: Log, tp: TopicPartition, keys: Sequence[bytes]) -> tuple[int, list[bytes | None]]:
    """Return the end of a partition and the present rows, of one moment."""
    shard = log.holder(tp.partition)
    end, rows = await shard.at_once(
        ("HGET", shard.keys.ends(tp.topic), str(tp.partition)), ("HMGET", shard.keys.snapshot(*tp), *keys)
    )
    return int(end or 0), rows


async def _changes(log: Log, tp: TopicPartition, keys: Container[bytes | None], limit: int, kept: range) -> _Changes:
    """Read the records of some keys among the kept offsets."""
    before: dict[bytes, bytes | None] = {}
    later: dict[bytes, int] = {}
    begins = offset = kept.start
    while offset < kept.stop:
        records = (await log.fetch({tp: offset}, count=FETCH_RECORDS)).get(tp, ())
        if not records:
            break
        if records[0].offset > offset:  # trimmed meanwhile
            begins = records[0].offset
        for record in records:
            if record.key is None or record.key not in keys or record.offset >= kept.stop:
                continue
            if record.offset < limit:
                before[record.key] = record.value
            else:
                later.setdefault(record.key, record.offset)
        offset = records[-1].offset + 1
    return _Changes(before, later, begins)
