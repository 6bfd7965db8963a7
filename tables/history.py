"""Read the row of a key as it was at a position of its table's changelog.

The changelog of a table keeps its last changes beside the snapshot, and its archive all of them. A row of the past is
known as far back as these reach: it is the value of the key's last record below the position. A key that did not change
later has its present row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from faust_redis.log import Log, Position, StoredRecord, TopicPartition, UnknownTopicError

FETCH_RECORDS: Final = 2_000


class HistoryError(Exception):
    """The log cannot say what the row was at the position. The message says why."""


class _Changes(NamedTuple):
    """What the kept records say of some keys: the row after the last change below a limit, and the first change after.

    Attributes:
        before: Rows by key, for keys that changed later and have a record below the limit.
        later: Offsets by key, for keys with a record from the limit on.
        begins: The first offset that is kept.
    """

    before: dict[bytes, bytes | None]
    later: dict[bytes, int]
    begins: int


class ReadBound:
    """The most changes that some looks at the past may read together."""

    def __init__(self, records_max: int | None = None) -> None:
        """Create it; None for no bound."""
        self._left = self._most = records_max

    def take(self, count: int) -> None:
        """Note that changes are to be read.

        Raises:
            HistoryError: they are too many.
        """
        if self._left is not None:
            self._left -= count
            if self._left < 0:
                raise HistoryError(f"more than {self._most} changes would have to be read, which is the most here")


async def rows_at(
    log: Log, position: Position, partition: int, keys: Sequence[bytes], bound: ReadBound | None = None
) -> list[bytes | None]:
    """Return the rows that some keys of a partition had at a position; None for a key that had none.

    Args:
        log: The log.
        position: A position of the table's changelog. All records below its offsets count.
        partition: The partition of the rows.
        keys: The keys as stored.
        bound: The most changes to read; None for any number.

    Raises:
        HistoryError: the position is of another epoch, is beyond the end, or is older than the changes that are kept.
    """
    tp = TopicPartition(position.topic, partition)
    limit = await _limit(log, position, tp)
    end, present = await _present(log, tp, keys)
    if limit > end:
        raise HistoryError(f"{tp.topic}:{partition} ends at {end}, before {limit}; the broker was rolled back")
    begins = (await log.beginning_offsets(tp.topic))[partition]
    reading = _Reading(log, tp, bound or ReadBound())
    later = await reading.first_changes(frozenset(keys), range(limit, end))
    before, begins = await reading.last_changes(frozenset(later), range(min(begins, limit), limit))
    changes = _Changes(before, later, begins)
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


class _Reading(NamedTuple):
    """Reads the changes of a partition."""

    log: Log
    tp: TopicPartition
    bound: ReadBound

    async def first_changes(self, keys: frozenset[bytes], offsets: range) -> dict[bytes, int]:
        """Return the offset of the first change of each key that has one among some offsets."""
        found: dict[bytes, int] = {}
        offset = offsets.start
        while offset < offsets.stop and len(found) < len(keys):
            records = await self._records(offset, offsets.stop)
            if not records:
                break
            for record in records:
                if record.key in keys:
                    found.setdefault(record.key, record.offset)
            offset = records[-1].offset + 1
        return found

    async def last_changes(self, keys: frozenset[bytes], offsets: range) -> tuple[dict[bytes, bytes | None], int]:
        """Return the row after the last change of each key that has one among some offsets, and the first offset kept.

        Most rows changed a short while before, so this reads from the end on.
        """
        found: dict[bytes, bytes | None] = {}
        stop = offsets.stop
        while stop > offsets.start and len(found) < len(keys):
            first = max(offsets.start, stop - FETCH_RECORDS)
            some, offset = dict[bytes, bytes | None](), first
            while offset < stop and (records := await self._records(offset, stop)):
                if records[0].offset > offset == first:  # trimmed meanwhile
                    first = records[0].offset
                    offsets = range(first, stop)
                some.update((record.key, record.value) for record in records if record.key in keys)
                offset = records[-1].offset + 1
            found = some | found
            stop = first
        return found, offsets.start

    async def _records(self, offset: int, stop: int) -> Sequence[StoredRecord]:
        """Return some of the records from an offset on, below another one."""
        count = min(stop - offset, FETCH_RECORDS)
        self.bound.take(count)
        records = (await self.log.fetch({self.tp: offset}, count=count)).get(self.tp, ())
        return [record for record in records if record.offset < stop]
