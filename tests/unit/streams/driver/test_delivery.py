"""Delivery into a full queue: it waits outside of the queue, so that a rebalance leaves nothing on its way in."""

import asyncio
from types import SimpleNamespace
from typing import Any

from faust.types import TP
from faust_redis.driver.consumer import Consumer
from faust_redis.log import StoredRecord
from mode import Service

CHANGES = TP("changelog", 0)
RECORD = StoredRecord(7, 0, b"key", b"value")


class Receiver(Consumer):
    """Delivery alone, into one queue of one place."""

    def __init__(self) -> None:
        Service.__init__(self)
        self.queue: asyncio.Queue[int] = asyncio.Queue(1)
        self.app: Any = SimpleNamespace(
            consumer_generation_id=1,
            in_recovery=True,
            client_only=False,
            flow_control=SimpleNamespace(_suspend=asyncio.Event()),
            topics=SimpleNamespace(_tp_index={CHANGES: [SimpleNamespace(queue=self.queue)]}),
        )
        self.flow_active, self.suspend_flow = True, asyncio.Event()
        self.tracker: Any = ()
        self.redis_transport: Any = SimpleNamespace(group="g")
        self.committer: Any = SimpleNamespace(is_full=False)
        self._pressure_dropped = asyncio.Event()
        self._seeks, self._held, self._buffered_partitions = 0, {}, set()
        self._positions, self._ends, self._read_offset = {CHANGES: 7}, {}, {}

    async def callback(self, message: Any) -> None:
        """As Faust hands over: whatever does not fit into the queue would be left waiting."""
        self.queue.put_nowait(message.offset)


async def delivering(consumer: Receiver) -> asyncio.Task[None]:
    """Begin to deliver a record while the queue is full, and let it wait."""
    consumer.queue.put_nowait(6)
    task = asyncio.ensure_future(consumer._deliver({CHANGES: [RECORD]}))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_a_record_waits_for_room_and_is_delivered() -> None:
    consumer = Receiver()
    task = await delivering(consumer)
    assert consumer.queue.get_nowait() == 6
    consumer._pressure_dropped.set()
    await task
    assert consumer.queue.get_nowait() == 7
    assert consumer._positions[CHANGES] == 8


async def test_a_record_that_waits_when_a_rebalance_begins_is_in_no_queue_afterwards() -> None:
    """Were it to come in later, table recovery would take all records before it for seen, and lose their rows."""
    consumer = Receiver()
    task = await delivering(consumer)
    consumer.flow_active = False
    consumer.suspend_flow.set()
    consumer.queue.get_nowait()
    await task
    assert consumer.queue.empty()
    assert consumer._positions[CHANGES] == 7


async def test_nor_is_one_that_a_whole_rebalance_overtook() -> None:
    consumer = Receiver()
    task = await delivering(consumer)
    consumer.app.consumer_generation_id = 2
    consumer.queue.get_nowait()
    consumer._pressure_dropped.set()
    await task
    assert consumer.queue.empty()
