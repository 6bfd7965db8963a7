"""The number of records in a batch: as many as its commit may cost."""

from __future__ import annotations

from faust_redis.driver.delivery.batches import BatchSize
from faust_redis.driver.limits import BATCH_RECORDS_FIRST


def test_batches_become_as_large_as_their_commit_may_cost() -> None:
    size = BatchSize(500, 1_800)
    assert size.records == BATCH_RECORDS_FIRST
    sizes = []
    for _ in range(20):
        size.learn(size.records, 30 * size.records)
        sizes.append(size.records)
    assert sizes[0] == 2 * BATCH_RECORDS_FIRST
    assert sizes[-1] == 60
    size.learn(60, 18_000)
    assert size.records == 6


def test_batches_that_cost_nothing_are_as_large_as_asked_for() -> None:
    size = BatchSize(100, 1_800)
    for _ in range(10):
        size.learn(size.records, 0)
    assert size.records == 100


def test_a_small_batch_says_nothing_of_larger_ones() -> None:
    size = BatchSize(500, 1_800)
    size.learn(1, 10)
    assert size.records == BATCH_RECORDS_FIRST


def test_there_is_always_room_for_one() -> None:
    size = BatchSize(500, 1_800)
    size.learn(1, 50_000)
    assert size.records == 1
