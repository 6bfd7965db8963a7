"""Hand fetched records to agents, a run of each partition in turn, so that no partition delays another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from faust.types import TP

from faust_redis.driver import faust_internals as internals
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.delivery.direct_queues import DirectQueue
from faust_redis.driver.delivery.fetch_state import FetchedRecords, FetchState
from faust_redis.driver.delivery.flow import Capacity, Flow
from faust_redis.driver.delivery.messages import is_for_another_group, to_message
from faust_redis.driver.limits import HELD_POLL_S, RUN_RECORDS_MAX
from faust_redis.driver.tasks import wait_first
from faust_redis.driver.telemetry import Telemetry
from faust_redis.log import StoredRecord

CAPACITY_WAIT_S = 5.0
"""Longest wait for capacity. `wait_for_capacity` itself has a shorter limit."""


class FastPath(Protocol):
    """Finds the direct queue of a partition."""

    def of(self, tp: TP, channels: Any) -> DirectQueue | None:
        """Return a partition's direct queue; None when its records go through Faust's conductor."""


class Finishing(Protocol):
    """The events in flight, as the hand-over needs them."""

    def skip(self, tp: TP, begin: int, end: int) -> None:
        """Finish consecutive delivered events that no agent needs."""

    def next_finished(self) -> asyncio.Future[None]:
        """Return a future that completes when the next event finishes."""


class HandOver:
    """Puts records into the queues of agents."""

    def __init__(
        self,
        app: Any,
        group: str,
        state: FetchState,
        tracker: OffsetTracker,
        capacity: Capacity,
        flow: Callable[[], Flow],
        telemetry: Telemetry,
        direct_queues: FastPath,
        finishing: Finishing,
    ) -> None:
        self._app = app
        self._group = group
        self._state = state
        self._tracker = tracker
        self._capacity = capacity
        self._flow = flow
        self._telemetry = telemetry
        self.direct_queues = direct_queues
        self._finishing = finishing
        self._pressure_dropped = asyncio.Event()

    def on_room(self) -> None:
        """Note that an agent's queue has room again."""
        self._pressure_dropped.set()

    async def wait_for_room(self, *, in_turn: bool = False) -> None:
        """Wait until a queue has room, at most `HELD_POLL_S`; with `in_turn` also until an event finishes."""
        self._pressure_dropped.clear()
        room = asyncio.ensure_future(self._pressure_dropped.wait())
        awaited = (room, self._finishing.next_finished()) if in_turn else (room,)
        try:
            await asyncio.wait(awaited, timeout=HELD_POLL_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            room.cancel()

    async def deliver(self, fetched: FetchedRecords) -> bool:
        """Hand records over; return False when a rebalance or a seek overtook them, and the rest was dropped."""
        era = self._era()
        queues = {tp: self._direct_queue(tp) for tp in fetched}
        sizes = {tp: queue.run_records_max for tp, queue in queues.items() if queue is not None}
        for tp, run in runs(fetched, sizes):
            queue = queues[tp]
            deliver = self._deliver_singly(tp, run, era) if queue is None else self._deliver_run(tp, queue, run, era)
            if not await deliver:
                return False
        return True

    async def _deliver_singly(self, tp: TP, records: list[StoredRecord], era: object) -> bool:
        """Deliver records through the conductor.

        Returns:
            False when a rebalance or a seek overtook the records, which must be fetched again.
        """
        state = self._state
        for record in records:
            if self._is_overtaken(era):
                return False
            if tp in state.parked or (tp in self._flow().full and not self._app.in_recovery):
                state.park(tp, [record])
                continue
            await self._wait_until_taken(tp)
            if self._is_overtaken(era):
                return False
            state.advance(tp, record.offset + 1)
            await self._deliver_one(tp, record)
        return True

    async def _deliver_run(self, tp: TP, queue: DirectQueue, records: list[StoredRecord], era: object) -> bool:
        """Deliver records through a direct queue and park those without room; see `_deliver_singly`."""
        while records:
            if self._is_overtaken(era):
                return False
            if tp in self._state.parked or tp in self._state.withheld or tp in self._flow().full:
                self._state.park(tp, records)
                return True
            await self._wait_until_taken(tp)
            if self._is_overtaken(era):
                return False
            if tp in self._state.withheld:
                continue
            records, odd = self._put(tp, queue, records)
            if odd is not None:
                self._state.advance(tp, odd.offset + 1)
                await self._deliver_one(tp, odd)
        return True

    def _put(
        self, tp: TP, queue: DirectQueue, records: list[StoredRecord]
    ) -> tuple[list[StoredRecord], StoredRecord | None]:
        """Put as many records into the queue as fit.

        Returns:
            The remaining records, and the record before them that must go through the conductor, or None.
        """
        fitting = records[: queue.room]
        decoded = queue.decode(fitting, self._app.consumer_generation_id)
        count = decoded.records
        if count:
            taken = records[:count]
            end = taken[-1].offset + 1
            self._tracker.deliver_run(tp, taken)
            self._state.see(tp, end)
            self._state.advance(tp, end)
            self._telemetry.count_received(tp, end - 1, count)
            queue.put(decoded.events)
            for span in decoded.skipped:
                self._finishing.skip(tp, *span)
        if count < len(fitting):
            return records[count + 1 :], records[count]
        return records[count:], None

    # --- append order -------------------------------------------------------------------------------------------------

    def keeps_order(self, tp: TP) -> bool:
        """Return whether one agent takes the events of a partition one after the other."""
        concurrent = any(
            agent.concurrency > 1 and tp.topic in agent.get_topic_names() for agent in self._app.agents.values()
        )
        return not concurrent and self._direct_queue(tp) is not None

    def withdraw(self, tp: TP) -> list[Any]:
        """Take a partition's waiting events back from the queue of its agent, and return them."""
        queue = self._direct_queue(tp)
        return [] if queue is None else queue.withdraw()

    def put_back(self, tp: TP, events: list[Any]) -> None:
        """Put withdrawn events into the queue again."""
        queue = self._direct_queue(tp)
        if events and queue is not None:
            queue.put_back(events)

    def _direct_queue(self, tp: TP) -> DirectQueue | None:
        """Return the direct queue of a partition; None when it has none at present."""
        if self._app.in_recovery or tp not in self._tracker or not self._app.topics.acks_enabled_for(tp.topic):
            return None
        return self.direct_queues.of(tp, tuple(self._channels(tp)))

    async def _deliver_one(self, tp: TP, record: StoredRecord) -> None:
        self._state.see(tp, record.offset + 1)
        if tp in self._tracker:
            self._tracker.deliver(tp, record.offset, record.evidence)
            if not self._app.topics.acks_enabled_for(tp.topic):
                self._tracker.finish(tp, (record.offset,))
        if not self._app.client_only and (not self._channels(tp) or is_for_another_group(record, self._group)):
            self._tracker.finish(tp, (record.offset,))
        else:
            await self._flow().hand_to_conductor(to_message(tp, record, self._app.consumer_generation_id))

    # --- waiting ------------------------------------------------------------------------------------------------------

    def _era(self) -> object:
        """Return a token that changes when a seek or a rebalance makes fetched records invalid."""
        return self._state.seeks, self._app.consumer_generation_id

    def _is_overtaken(self, era: object) -> bool:
        flow = self._flow()
        return flow.should_stop or not flow.flow_active or era != self._era()

    async def _wait_until_taken(self, tp: TP) -> None:
        """Wait until the queues of a partition have room, or a rebalance begins.

        Faust would wait in a task that a rebalance does not end. That task would put the record into the queue after
        the rebalance, and recovery would treat all earlier records as delivered.
        """
        flow = self._flow()
        if self._capacity.is_full and flow.flow_active and not flow.should_stop:
            await wait_first(flow.wait_until_suspended(), self._capacity.wait_for_capacity(), timeout_s=CAPACITY_WAIT_S)
        while flow.flow_active and not flow.should_stop and self._would_wait(tp):
            self._pressure_dropped.clear()
            await wait_first(self._pressure_dropped.wait(), flow.wait_until_suspended(), timeout_s=HELD_POLL_S)

    def _would_wait(self, tp: TP) -> bool:
        return internals.is_flow_suspended(self._app) or any(channel.queue.full() for channel in self._channels(tp))

    def _channels(self, tp: TP) -> Any:
        return internals.channels_of(self._app, tp)


def runs(fetched: FetchedRecords, sizes: Mapping[TP, int]) -> Iterator[tuple[TP, list[StoredRecord]]]:
    """Iterate over a run of records of each partition in turn, so that a deep partition does not starve the others."""
    remaining = {tp: records for tp, records in fetched.items() if records}
    while remaining:
        for tp, records in list(remaining.items()):
            size = sizes.get(tp, RUN_RECORDS_MAX)
            yield tp, records[:size]
            remaining[tp] = records[size:]
            if not remaining[tp]:
                del remaining[tp]
