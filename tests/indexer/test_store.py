"""The state and the facts of one write stay together, and only one indexer writes at a time."""

from __future__ import annotations

import pytest
from faust_redis.log import Log, SourceMovedError, TopicPartition, TopicSpec

from contracts.indexer.chain_state import BEFORE_GENESIS, ChainState, Step, extended, finalised, rolled_back
from contracts.indexer.store import StateStore
from streams.times import Instant
from tests.indexer.test_chain_state import block

FACTS, STATE = TopicSpec("facts", 2), TopicSpec("blocks-changelog", 1, "compact")
START = ChainState.starting_after(BEFORE_GENESIS)
FIRST = extended(START, [block(0, -1, counted=(1, 2)), block(1, 0)])


def store_of(log: Log) -> StateStore:
    return StateStore(log, "SN_MAIN", FACTS, STATE)


async def write(store: StateStore, before: ChainState | None, step: Step) -> ChainState:
    await store.write(before, step, Instant(0))
    return step.state


async def test_a_state_is_read_as_it_was_written(log: Log) -> None:
    store = store_of(log)
    assert await store.load() is None
    state = await write(store, None, FIRST)
    for step in (rolled_back(state, 0), extended(rolled_back(state, 0).state, [block(1, 0), block(2, 1)])):
        state = await write(store, state, step)
        assert await store_of(log).load() == state
    state = await write(store, state, finalised(state, 1))
    assert await store_of(log).load() == state
    rows = [row async for page in log.rows(TopicPartition(STATE.name, 0)) for row in page]
    assert {key for key, _ in rows} == {b"state", b"2"}, "a final block has no row"


async def test_the_second_writer_of_a_step_is_refused(log: Log) -> None:
    one, other = store_of(log), store_of(log)
    await one.load()
    await other.load()
    state = await write(one, None, FIRST)
    with pytest.raises(SourceMovedError):
        await write(other, None, FIRST)
    assert await other.load() == state
    await write(other, state, extended(state, [block(2, 1)]))


async def test_a_state_that_a_restored_broker_no_longer_has_is_not_continued(log: Log) -> None:
    one, other = store_of(log), store_of(log)
    await one.load()
    state = await write(one, None, FIRST)
    await log.redis.flushdb()  # a test has a broker of its own names, and restores nothing into it
    await other.load()
    await write(other, None, extended(START, [block(0, -1)]))  # the same number of writes, another state
    with pytest.raises(SourceMovedError):
        await write(one, state, extended(state, [block(2, 1)]))
