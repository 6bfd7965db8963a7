"""What the sink knows stays together, only one sink writes at a time, and lost records are counted."""

from __future__ import annotations

from typing import Any

import pytest
from faust_redis.log import Log, SourceMovedError, TopicPartition, TopicSpec

from contracts.indexer.addresses import padded
from contracts.sink.calls import Calls
from contracts.sink.people import People
from contracts.sink.reader import EventReader
from contracts.sink.store import Sent, SinkState, SinkStore
from streams.times import Instant
from streams.topics import CHAIN_EVENTS, USER_EVENTS
from tests.chain.sinking import tell
from tests.sink.facts import CONTRACTS, NOW, PAYMASTER, SPONSOR, gained, linked, minted, raised, requested, risen

TOPIC, FACTS = TopicSpec("sink-changelog", 1, "compact"), TopicSpec(CHAIN_EVENTS, 4)
PLACE = TopicPartition(USER_EVENTS, 3)
WALLET = padded(0xA1)
EVENTS = (
    linked("ada", WALLET), gained("ada", 120), risen("ada", 2), requested("m-1", "ada"), requested("m-2", "bob"),
    raised(WALLET, 90, "accepted"),
)  # fmt: skip


def store_of(log: Log) -> SinkStore:
    return SinkStore(log, TOPIC, FACTS, CONTRACTS)


def addresses(events: list[Any]) -> list[str]:
    return [event.data.address for event in events]


async def first_state(log: Log, store: SinkStore) -> SinkState:
    assert await store.load(SPONSOR) is None
    await log.create_topic(FACTS)
    state = SinkState(People(CONTRACTS), Calls(PAYMASTER, SPONSOR), {PLACE: 7}, Sent(padded(5), 3, 11))
    for event in EVENTS:
        state.people.apply(event)
    return state


async def test_a_state_is_read_as_it_was_written(log: Log) -> None:
    store = store_of(log)
    state = await first_state(log, store)
    for fact in (minted("m-1", 4, "accepted"), minted("m-1", 4, "final")):
        made = state.people.apply(fact)
        await store.write(state, made, NOW)
        found = await store_of(log).load(SPONSOR)
        assert found is not None
        people = found.people
        assert (people.users, people.mints) == (state.people.users, state.people.mints)
        assert people.recorded == {WALLET: (90,)}
        assert (found.places, found.sent) == ({PLACE: 7}, Sent(padded(5), 3, 11))
    assert set(state.people.mints) == {"m-2"}
    assert sum((await log.end_offsets(CHAIN_EVENTS)).values()) == 1, "the report is in the same write"


async def test_the_second_sink_is_refused(log: Log) -> None:
    one, other = store_of(log), store_of(log)
    state = await first_state(log, one)
    assert await other.load(SPONSOR) is None
    assert await other.is_current()
    await one.write(state, [], NOW)
    assert not await other.is_current()
    with pytest.raises(SourceMovedError):
        await other.write(SinkState(People(CONTRACTS), Calls(PAYMASTER, SPONSOR), {PLACE: 9}, Sent()), [], NOW)
    assert await other.load(SPONSOR) is not None


async def test_a_state_that_a_restored_broker_no_longer_has_is_not_continued(log: Log) -> None:
    store = store_of(log)
    state = await first_state(log, store)
    await store.write(state, [], NOW)
    await log.redis.flushdb()
    await store_of(log).load(SPONSOR)
    with pytest.raises(SourceMovedError):
        await store.write(state, [], Instant(NOW + 1))


async def test_lost_records_are_counted(log: Log) -> None:
    reader = EventReader(log, [TopicSpec(USER_EVENTS, 4)])
    await reader.create()
    await tell(log, linked("ada", WALLET), linked("ada", padded(0xA2)), linked("ada", padded(0xA3)))
    places = await reader.beginning()
    events, reached = await reader.after(places)
    assert addresses(events) == [WALLET, padded(0xA2), padded(0xA3)]
    [(place, end)] = reached.items()
    await log.redis.xtrim(log.keys.stream(*place), maxlen=1, approximate=False)
    events, again = await reader.after(places)
    assert (addresses(events), again) == ([padded(0xA3)], {place: end})
    assert reader.lost == 2
    assert (await reader.beginning())[place] == 2
