"""Writers that copy another log, or commit for a group without members, continue exactly from the stored offset."""

from __future__ import annotations

import pytest
from faust_redis.log import (
    Log,
    Preconditions,
    Record,
    RolledBackError,
    SourceMovedError,
    SourceOffsets,
    TopicPartition,
    TopicSpec,
    WriteBatch,
)

PLACE = TopicPartition("t", 0)


@pytest.fixture(autouse=True)
async def topic(log: Log) -> None:
    await log.create_topic(TopicSpec("t", 1))


def step(start: int, end: int) -> WriteBatch:
    return WriteBatch(
        [Record("t", 0, None, b"%d" % start, 1)], source_offsets=SourceOffsets("there", {PLACE: (start, end)})
    )


async def test_a_copy_continues_from_its_stored_offset_and_from_no_other(log: Log) -> None:
    await log.commit(step(0, 7))
    await log.commit(step(7, 9))
    for wrong in (step(0, 7), step(7, 9), step(8, 10), step(20, 21)):
        with pytest.raises(SourceMovedError, match="is 9, not"):
            await log.commit(wrong)
    assert await log.source_offsets("there") == {PLACE: 9}
    assert await log.end_offsets("t") == {0: 2}
    assert await log.source_offsets("elsewhere") == {}


async def test_offsets_of_a_group_without_members_are_committed_from_their_stored_value(log: Log) -> None:
    await log.append([Record("t", 0, None, b"v", 1)] * 3)
    await log.commit(WriteBatch(offsets={PLACE: 2}, preconditions={PLACE: Preconditions(0, "")}, group="g"))
    with pytest.raises(RolledBackError):
        await log.commit(WriteBatch(offsets={PLACE: 3}, preconditions={PLACE: Preconditions(0, "")}, group="g"))
    assert await log.committed("g") == {PLACE: 2}
    await log.commit(WriteBatch(offsets={PLACE: 3}, preconditions={PLACE: Preconditions(2, "")}, group="g"))
    assert await log.committed("g") == {PLACE: 3}
