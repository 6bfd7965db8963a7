"""A state and its batches stay together, and only one settlement writes at a time."""

from __future__ import annotations

import pytest
from faust_redis.log import Log, SourceMovedError, TopicPartition, TopicSpec

from contracts.indexer.addresses import padded
from contracts.settlement.adoption import ChainBatch, adopted
from contracts.settlement.batches import State, sent, settled
from contracts.settlement.errors import SettlementError
from contracts.settlement.store import SettlementStore
from streams.times import Instant
from tests.settlement.test_batches import fact, three_batches

TOPIC = TopicSpec("settlement-changelog", 1, "compact")


def store_of(log: Log, chain_id: str = "SN_MAIN", collector: int = 2) -> SettlementStore:
    return SettlementStore(log, TOPIC, chain_id, padded(collector))


async def test_a_state_is_read_as_it_was_written(log: Log) -> None:
    store = store_of(log)
    assert await store.load() == State()
    state = three_batches()
    await store.write(State(), state, Instant(0))
    assert await store_of(log).load() == state
    first = state.batches[0]
    noted = sent(state, 1, padded(9), 4)
    accepted = settled(noted, fact(first, "accepted"))
    for after in (noted, accepted, settled(accepted, fact(first, "final"))):
        await store.write(state, after, Instant(0))
        state = after
        assert await store_of(log).load() == state
    rows = {key async for page in log.rows(TopicPartition(TOPIC.name, 0)) for key, _ in page}
    assert rows == {b"state", b"batch-1", b"batch-2", b"batch-3"}, "a confirmed batch keeps its row"


async def test_the_second_writer_is_refused(log: Log) -> None:
    one, other = store_of(log), store_of(log)
    await one.load()
    await other.load()
    state = three_batches()
    await one.write(State(), state, Instant(0))
    with pytest.raises(SourceMovedError):
        await other.write(State(), state, Instant(0))
    assert await other.load() == state
    noted = sent(state, 1, padded(9), 4)
    await one.write(state, noted, Instant(0))
    with pytest.raises(SourceMovedError):
        await other.write(state, sent(state, 1, padded(8), 4), Instant(0))
    assert await other.load() == noted


async def test_a_state_that_a_restored_broker_no_longer_has_is_not_continued(log: Log) -> None:
    store = store_of(log)
    await store.load()
    state = three_batches()
    await store.write(State(), state, Instant(0))
    await log.redis.flushdb()
    await store_of(log).load()
    with pytest.raises(SourceMovedError):
        await store.write(state, sent(state, 1, padded(9), 4), Instant(0))


async def test_a_state_that_another_write_has_replaced_is_not_current(log: Log) -> None:
    one, other, state = store_of(log), store_of(log), three_batches()
    await one.load()
    await one.write(State(), state, Instant(0))
    await one.write(state, sent(state, 1, padded(9), 4), Instant(0))
    assert await one.is_current()
    await log.redis.flushdb()  # as if the broker was restored to before both writes
    await other.load()
    await other.write(State(), state, Instant(0))
    await other.write(state, sent(state, 1, padded(8), 4), Instant(0))  # the same state, but for its batches
    assert not await one.is_current()


@pytest.mark.parametrize(("chain_id", "collector"), [("SN_SEPOLIA", 2), ("SN_MAIN", 3)])
async def test_a_state_of_another_contract_is_refused(log: Log, chain_id: str, collector: int) -> None:
    store = store_of(log)
    await store.load()
    await store.write(State(), three_batches(), Instant(0))
    with pytest.raises(SettlementError, match="another namespace"):
        await store_of(log, chain_id, collector).load()


async def test_a_batch_that_was_opened_again_leaves_no_row(log: Log) -> None:
    store = store_of(log)
    await store.load()
    state = three_batches()
    await store.write(State(), state, Instant(0))
    first = ChainBatch(1, state.batches[0].hash, state.batches[0].totals)
    found = adopted(state, [first, ChainBatch(2, padded(5), {"a": 1})])
    await store.write(state, found.state, Instant(0), found.opened)
    assert await store_of(log).load() == found.state
    rows = {key async for page in log.rows(TopicPartition(TOPIC.name, 0)) for key, _ in page}
    assert rows == {b"state", b"batch-1"}
