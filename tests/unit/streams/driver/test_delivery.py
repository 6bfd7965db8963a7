"""Delivery into a full queue: the record waits outside of the queue, so that a rebalance leaves none on its way in."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.delivery.fetch_state import FetchState
from faust_redis.driver.delivery.hand_over import HandOver, runs
from faust_redis.driver.telemetry import Telemetry
from faust_redis.log import StoredRecord

CHANGES = TP("changelog", 0)
RECORD = StoredRecord(7, 0, b"key", b"value")


class Receiver:
    """A hand-over into a queue with one place, and the consumer around it."""

    should_stop = False
    flow_active = True
    full: frozenset[TP] = frozenset()

    def __init__(self) -> None:
        self.queue: asyncio.Queue[int] = asyncio.Queue(1)
        self.suspended = asyncio.Event()
        self.app: Any = SimpleNamespace(
            consumer_generation_id=1,
            in_recovery=True,
            client_only=False,
            flow_control=SimpleNamespace(_suspend=asyncio.Event()),
            topics=SimpleNamespace(_tp_index={CHANGES: [SimpleNamespace(queue=self.queue)]}),
        )
        self.state = FetchState()
        self.state.seek(CHANGES, 7)
        roomy: Any = SimpleNamespace(is_full=False)
        consumer: Any = self
        queues: Any = None
        never: Any = None
        self.hand_over = HandOver(
            self.app, "g", self.state, OffsetTracker(), roomy, lambda: consumer, Telemetry(self.app), queues, never
        )

    async def wait_until_suspended(self) -> None:
        await self.suspended.wait()

    async def hand_to_conductor(self, message: Any) -> None:
        """Hand a message over as Faust does; a message that finds the queue full would be left waiting."""
        self.queue.put_nowait(message.offset)


async def delivering(receiver: Receiver) -> asyncio.Task[bool]:
    """Begin to deliver a record while the queue is full, and let it wait."""
    receiver.queue.put_nowait(6)
    task = asyncio.ensure_future(receiver.hand_over.deliver({CHANGES: [RECORD]}))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_a_record_waits_for_room_and_is_delivered() -> None:
    receiver = Receiver()
    task = await delivering(receiver)
    assert receiver.queue.get_nowait() == 6
    receiver.hand_over.on_room()
    await task
    assert receiver.queue.get_nowait() == 7
    assert receiver.state.positions[CHANGES] == 8


async def test_a_record_that_waits_when_a_rebalance_begins_is_in_no_queue_afterwards() -> None:
    """A record that came in later would let table recovery skip all records before it, and lose their rows."""
    receiver = Receiver()
    task = await delivering(receiver)
    receiver.flow_active = False
    receiver.suspended.set()
    receiver.queue.get_nowait()
    await task
    assert receiver.queue.empty()
    assert receiver.state.positions[CHANGES] == 7


async def test_a_record_that_waits_through_a_whole_rebalance_is_in_no_queue() -> None:
    receiver = Receiver()
    task = await delivering(receiver)
    receiver.app.consumer_generation_id = 2
    receiver.queue.get_nowait()
    receiver.hand_over.on_room()
    await task
    assert receiver.queue.empty()


def test_a_position_goes_back_only_by_a_seek() -> None:
    state = FetchState()
    state.seek(CHANGES, 7)
    state.advance(CHANGES, 9)
    with pytest.raises(AssertionError, match="would go back"):
        state.advance(CHANGES, 8)
    state.seek(CHANGES, 3)
    assert state.positions[CHANGES] == 3


def test_parked_records_are_read_from_memory_first_and_fetched_again_when_they_are_dropped() -> None:
    state = FetchState()
    state.seek(CHANGES, 7)
    state.park(CHANGES, [RECORD])
    assert state.fetchable({CHANGES}, ()) == {}
    assert state.take_parked((CHANGES,)) == {}
    assert state.take_parked(()) == {CHANGES: [RECORD]}
    assert list(state.fetchable({CHANGES}, ()).values()) == [7]


def test_partitions_take_turns() -> None:
    other = TP("changelog", 1)
    found = list(runs({CHANGES: [RECORD] * 5, other: [RECORD] * 2}, {CHANGES: 2, other: 2}))
    assert [(tp, len(run)) for tp, run in found] == [(CHANGES, 2), (other, 2), (CHANGES, 2), (CHANGES, 1)]
