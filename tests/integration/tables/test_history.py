"""A row as it was at a position equals a fold of the changelog to that position, or is an error."""

from __future__ import annotations

import random
from typing import NamedTuple

import pytest
from faust_redis.log import Log, Position, Record, TopicPartition, TopicSpec

from tables.history import HistoryError, ReadBound, rows_at

TOPIC = "shop-totals-changelog"
TP = TopicPartition(TOPIC, 1)


class Change(NamedTuple):
    key: bytes
    row: bytes | None


async def changelog(log: Log, changes: list[Change], tail_ms: int = 86_400_000) -> str:
    """Write changes to a new changelog, several in one call; return its epoch."""
    info = await log.create_topic(TopicSpec(TOPIC, 2, "compact", "", tail_ms))
    for first in range(0, len(changes), 7):
        await log.append([Record(TOPIC, 1, one.key, one.row, 0) for one in changes[first : first + 7]])
    return info.incarnation


def at(epoch: str, offset: int) -> Position:
    return Position(TOPIC, epoch, {1: offset})


async def row_at(
    log: Log, position: Position, partition: int, key: bytes, records_max: int | None = None
) -> bytes | None:
    [row] = await rows_at(log, position, partition, [key], ReadBound(records_max))
    return row


def random_changes(seed: int, count: int) -> list[Change]:
    chance = random.Random(seed)
    return [
        Change(b"k%d" % chance.randrange(9), None if chance.random() < 0.2 else b"row %d" % number)
        for number in range(count)
    ]


async def test_a_row_at_each_position_equals_a_fold_of_the_changes_to_it(log: Log) -> None:
    changes = random_changes(1, 120)
    epoch = await changelog(log, changes)
    folded: dict[bytes, bytes | None] = {}
    for offset in range(len(changes) + 1):
        keys = [b"k%d" % number for number in range(10)]
        assert await rows_at(log, at(epoch, offset), 1, keys) == [folded.get(key) for key in keys], offset
        if offset < len(changes):
            folded[changes[offset].key] = changes[offset].row


async def test_what_the_log_no_longer_keeps_is_an_error_and_an_unchanged_row_is_known(log: Log) -> None:
    many = [Change(b"b", b"%d" % number) for number in range(20)]
    changes = [Change(b"old", b"1"), Change(b"a", b"1"), *many, Change(b"a", b"2")]
    epoch = await changelog(log, changes)
    await log.redis.xtrim(log.keys.stream(*TP), minid="0-15", approximate=False)
    assert await row_at(log, at(epoch, 23), 1, b"a") == b"2"
    assert await row_at(log, at(epoch, 18), 1, b"old") == b"1"
    with pytest.raises(HistoryError, match=r"from offset 14 on; the row changed at 22"):
        await row_at(log, at(epoch, 18), 1, b"a")


async def test_a_position_of_another_epoch_beyond_the_end_or_of_another_partition_is_an_error(log: Log) -> None:
    epoch = await changelog(log, [Change(b"a", b"1")])
    with pytest.raises(HistoryError, match="epoch 'other' of"):
        await row_at(log, at("other", 1), 1, b"a")
    with pytest.raises(HistoryError, match="ends at 1, before 2"):
        await row_at(log, at(epoch, 2), 1, b"a")
    with pytest.raises(HistoryError, match="nothing of partition 0"):
        await row_at(log, at(epoch, 1), 0, b"a")
    with pytest.raises(HistoryError, match="does not exist"):
        await row_at(log, Position("gone", epoch, {1: 1}), 1, b"a")
    with pytest.raises(HistoryError, match="more than 0 changes would have to be read"):
        await row_at(log, at(epoch, 0), 1, b"a", records_max=0)
