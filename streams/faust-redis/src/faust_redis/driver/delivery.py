"""Fetching by offset and handing events to agents, one partition never in the way of another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from faust.types import TP, ConsumerMessage
from faust.types.transports import ConsumerCallback

from faust_redis.driver.batches import Received, members
from faust_redis.driver.direct_queues import DirectQueue, DirectQueues
from faust_redis.driver.limits import (
    FETCH_BLOCK_MS,
    FETCH_RECORDS_MAX,
    HELD_POLL_S,
    RETRY_FIRST_S,
    RETRY_MAX_S,
    RUN_RECORDS_MAX,
)
from faust_redis.driver.messages import copy_of, is_for_another_group, to_message
from faust_redis.driver.positions import Fetched, Positions
from faust_redis.log import LogUnavailableError, StoredRecord, TopicPartition, TrimmedError

if TYPE_CHECKING:
    from faust_redis.driver.coordinator import Coordinator

GENERATION_NONE = -1
"""Of a copy of an event that does not count: streams skip it, its writes are refused, its acks and errors ignored."""


class Delivery(Positions):
    """The part of a consumer that brings events to agents."""

    coordinator: Coordinator
    _has_finished = False
    """Whether agents have finished events since finished ones were last looked for."""

    def __init__(self, transport: Any, callback: ConsumerCallback, *args: Any, **kwargs: Any) -> None:
        super().__init__(transport, callback, *args, **kwargs)
        self._pressure_dropped = asyncio.Event()
        self._direct_queues = DirectQueues(self.app, self.on_buffer_full, self.on_buffer_drop)
        self._interrupted: asyncio.Future[None] | None = None

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        """Records of partitions that want some; empty after at most `timeout` seconds, or when flow stops meanwhile."""
        if not self.flow_active:
            return {}
        wanted = self._assigned if active_partitions is None else active_partitions & self._assigned
        offsets = self._fetchable(wanted)
        if not offsets:
            return {}
        seeks = self._seeks
        # While a partition is held back, a fetch must not block on the others: room may come at any moment.
        block_ms = None if self._held else min(FETCH_BLOCK_MS, int(timeout * 1000))
        fetched = await self._unless_interrupted(
            self.redis_transport.broker.fetch(offsets, count=FETCH_RECORDS_MAX, block_ms=block_ms)
        )
        if seeks != self._seeks or not self.flow_active:
            return {}
        still = wanted if active_partitions is None else wanted & self._get_active_partitions()
        found = {TP(*tp): records for tp, records in fetched.items() if TP(*tp) in still}
        for tp, records in found.items():
            if records[0].offset > self._positions[tp]:
                self._miss(tp, records[0].offset)
                return {}
        return found

    async def _unless_interrupted(self, fetch: Coroutine[Any, Any, Any]) -> Any:
        """What a fetch brings, or nothing as soon as other partitions are to be read.

        A fetch that waits for records of the old ones must not hold up those; it ends by itself, and nobody looks.
        """
        fetching = asyncio.ensure_future(fetch)
        fetching.add_done_callback(_look_at_error)
        interrupted = self._interrupted = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait((fetching, interrupted), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            fetching.cancel()
            raise
        return fetching.result() if fetching.done() else {}

    def _interrupt(self) -> None:
        if self._interrupted is not None and not self._interrupted.done():
            self._interrupted.set_result(None)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Read these, too, from now on; not only once the fetch under way has waited for the others."""
        super().resume_partitions(tps)
        self._interrupt()

    def resume_flow(self) -> None:
        """Deliver again."""
        super().resume_flow()
        self._interrupt()

    def _miss(self, tp: TP, offset: int) -> None:
        """Records are gone that were still to be read. A table has its snapshot; a lost event is not passed over.

        Raises:
            TrimmedError: events are gone; the worker ends with that.
        """
        if not self._is_changelog_tp(tp):
            raise TrimmedError(
                f"events {self._positions[tp]} to {offset - 1} of {tp.topic}:{tp.partition} were removed before group "
                f"{self.redis_transport.group!r} processed them, by something else than this log's retention. Restore "
                "the broker, or accept the loss with 'faust-redis groups reset'."
            )
        self.log.warning("records %d to %d of %s are trimmed: reading it anew", self._positions[tp], offset - 1, tp)
        self.committer.fencing.fence(f"records of {tp} are trimmed that were still to be read")

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        return to_message(tp, record, self.app.consumer_generation_id)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Fetch once and yield messages, partitions in turn."""
        for tp, run in runs(await self._getmany(self._get_active_partitions(), timeout), {}):
            for record in run:
                yield tp, self._to_message(tp, record)

    async def _drain_messages(self, fetcher: Any) -> None:
        """Fetch and deliver until the fetcher stops; never leaves on an unreachable broker."""
        try:
            await self._drain_until_stopped(fetcher)
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise

    async def _drain_until_stopped(self, fetcher: Any) -> None:
        pause = RETRY_FIRST_S
        while not (self.should_stop or fetcher.should_stop):
            try:
                if not self.flow_active:
                    await self.wait_first(self.can_resume_flow.wait(), timeout=1.0)
                    continue
                fetched = self._take_held() or await self._fetch()
                pause = RETRY_FIRST_S
                if fetched:
                    await self._deliver(fetched)
                elif self._held or not self._fetchable(self._get_active_partitions() & self._assigned):
                    await self._wait_for_room()
            except LogUnavailableError as exc:
                self.log.warning("fetching waits for the broker: %s", exc)
                await self.sleep(pause)
                pause = min(pause * 2, RETRY_MAX_S)

    async def _fetch(self) -> Fetched:
        self.not_waiting_next_records.clear()
        try:
            active = None if self.app.client_only else self._get_active_partitions()
            records: Fetched = await self._getmany(active, FETCH_BLOCK_MS / 1000)
        finally:
            self.not_waiting_next_records.set()
        return records

    def _fetchable(self, wanted: set[TP]) -> dict[TopicPartition, int]:
        """Which of these to read, and from where. Whoever finds none must wait, or the loop would never rest."""
        return {
            TopicPartition(*tp): self._positions[tp]
            for tp in sorted(wanted)
            if tp in self._positions and tp not in self._held and tp not in self._buffered_partitions
        }

    async def _wait_for_room(self) -> None:
        self._pressure_dropped.clear()
        await self.wait_first(self._pressure_dropped.wait(), timeout=HELD_POLL_S)

    def _take_held(self) -> Fetched:
        ready = [tp for tp in self._held if tp not in self._buffered_partitions]
        return {tp: self._held.pop(tp) for tp in ready}

    async def _deliver(self, fetched: Fetched) -> None:
        era = self._era()
        direct_queues = {tp: self._direct_queue(tp) for tp in fetched}
        for tp, run in runs(
            fetched,
            {
                tp: direct_queue.run_records_max
                for tp, direct_queue in direct_queues.items()
                if direct_queue is not None
            },
        ):
            direct_queue = direct_queues[tp]
            deliver = (
                self._deliver_singly(tp, run, era)
                if direct_queue is None
                else self._deliver_run(tp, direct_queue, run, era)
            )
            if not await deliver:
                return

    async def _deliver_singly(self, tp: TP, records: list[StoredRecord], era: object) -> bool:
        """Deliver records Faust's way; false when something came between, and the rest is to be fetched again."""
        for record in records:
            if self._overtaken(era):
                return False
            if tp in self._held or (tp in self._buffered_partitions and not self.app.in_recovery):
                self._hold(tp, [record])
                continue
            await self._wait_until_taken(tp)
            if self._overtaken(era):
                return False
            self._positions[tp] = record.offset + 1
            await self._deliver_one(tp, record)
        return True

    async def _deliver_run(self, tp: TP, direct_queue: DirectQueue, records: list[StoredRecord], era: object) -> bool:
        """Deliver records by a direct_queue, those it has room for; likewise."""
        while records:
            if self._overtaken(era):
                return False
            if tp in self._held or tp in self._buffered_partitions:
                self._hold(tp, records)
                return True
            await self._wait_until_taken(tp)
            if self._overtaken(era):
                return False
            records, undecoded = self._hand_over(tp, direct_queue, records)
            if undecoded is not None:
                self._positions[tp] = undecoded.offset + 1
                await self._deliver_one(tp, undecoded)
        return True

    def _hand_over(
        self, tp: TP, direct_queue: DirectQueue, records: list[StoredRecord]
    ) -> tuple[list[StoredRecord], StoredRecord | None]:
        """Put what fits into the agent's queue; what is left after that, and apart the next if it cannot be decoded."""
        fitting = records[: direct_queue.room]
        events = direct_queue.decode(fitting, self.app.consumer_generation_id)
        count = len(events)
        if count:
            taken = records[:count]
            end = taken[-1].offset + 1
            self.tracker.deliver_run(tp, taken)
            self._ends[tp] = max(self._ends.get(tp, 0), end)
            self._positions[tp] = end
            self._read_offset[tp] = end - 1
            self._count_delivered(tp, end - 1, count)
            direct_queue.put(events)
        if count < len(fitting):
            return records[count + 1 :], records[count]
        return records[count:], None

    def _hold(self, tp: TP, records: list[StoredRecord]) -> None:
        self._held.setdefault(tp, []).extend(records)
        self._positions[tp] = records[-1].offset + 1

    def _direct_queue(self, tp: TP) -> DirectQueue | None:
        """The short way of a partition's records to their agent, if there is one now."""
        if self.app.in_recovery or tp not in self.tracker or not self.app.topics.acks_enabled_for(tp.topic):
            return None
        return self._direct_queues.of(tp, tuple(self._channels(tp)))

    def _count_delivered(self, tp: TP, offset: int, count: int) -> None:
        """Tell Faust's monitor, which is told of each message otherwise."""
        monitor = self.app.monitor
        monitor.messages_received_total += count
        monitor.messages_received_by_topic[tp.topic] += count
        monitor.tp_read_offsets[tp] = offset

    def _era(self) -> object:
        """What must not change between a fetch and the delivery of what it brought."""
        return self._seeks, self.app.consumer_generation_id

    def _overtaken(self, era: object) -> bool:
        return self.should_stop or not self.flow_active or era != self._era()

    async def _wait_until_taken(self, tp: TP) -> None:
        """Wait until a record would be taken at once, or a rebalance begins.

        Faust's own way of waiting is a task that nobody ends: it would put the record into the queue after a rebalance,
        and recovery would take all records before it for seen.
        """
        await self._wait_for_capacity()
        while self.flow_active and not self.should_stop and self._would_wait(tp):
            self._pressure_dropped.clear()
            await self.wait_first(self._pressure_dropped.wait(), self.suspend_flow.wait(), timeout=HELD_POLL_S)

    async def _wait_for_capacity(self) -> None:
        """Hold back while too much waits for its commit, unless a rebalance begins."""
        if self.committer.is_full and self.flow_active and not self.should_stop:
            await self.wait_first(self.suspend_flow.wait(), self.committer.wait_for_room())

    def _would_wait(self, tp: TP) -> bool:
        suspended = self.app.flow_control._suspend.is_set()
        return suspended or any(channel.queue.full() for channel in self._channels(tp))

    def _channels(self, tp: TP) -> Any:
        return cast("Any", self.app.topics)._tp_index.get(tp, ())

    async def _deliver_one(self, tp: TP, record: StoredRecord) -> None:
        self._ends[tp] = max(self._ends.get(tp, 0), record.offset + 1)
        self._note_delivery(tp, record.offset, record.value)
        message = self._to_message(tp, record)
        if not self.app.client_only and (
            not self._channels(tp) or is_for_another_group(record, self.redis_transport.group)
        ):
            self.tracker.finish(tp, (record.offset,))
        else:
            await self.callback(message)
        self._read_offset[tp] = record.offset

    def _take_acks(self) -> None:
        for tp, offsets in self._acked.items():
            if offsets:
                self.tracker.finish(tp, offsets)
                offsets.clear()
                self._acked_index[tp].clear()
        self._n_acked = 0
        self._has_finished = False

    def redo(self, message: ConsumerMessage, pause_s: float = 0.0) -> asyncio.Future[Any]:
        """Have an event (or a batch) processed from the start: what it did was dropped. Nothing of it is committed.

        Returns at once; the future is done when it was handed to its agents again.

        A copy under way may run to its end; it can write nothing more, and its ack does not count.
        """
        again = [copy_of(each) for each in members(message)]
        self.disown(message)
        self._take_acks()
        for each in again:
            each.generation_id = self.app.consumer_generation_id  # a copy that failed for good has none any more
            self.tracker.reopen(each.tp, each.offset)
        delivery: asyncio.Future[Any] = self.add_future(self._deliver_again(again, pause_s))
        return delivery

    def disown(self, message: ConsumerMessage) -> None:
        """Have nothing that this copy of an event does count any more."""
        message.acked = True
        message.generation_id = GENERATION_NONE
        self._unacked_messages.discard(message)

    async def _deliver_again(self, messages: list[ConsumerMessage], pause_s: float) -> None:
        """Hand events to their agents once more, after a pause; not when the partition has moved on meanwhile."""
        if pause_s:
            await asyncio.sleep(pause_s)
        for message in messages:
            if (
                message.generation_id == self.app.consumer_generation_id
                and message.tp in self._assigned
                and self.flow_active
            ):
                await self.callback(message)

    def _note_delivery(self, tp: TP, offset: int, value: bytes | None) -> None:
        if tp in self.tracker:
            self.tracker.deliver(tp, offset, value)
            if not self.app.topics.acks_enabled_for(tp.topic):
                self.tracker.finish(tp, (offset,))

    def stop_flow(self) -> None:
        """Deliver no more. What still waits in agents' queues is about to be cleared and will be delivered again.

        An event that one agent has worked on and another has waiting is not finished and cannot be: nobody is to wait
        for it, and its ack must not count.
        """
        super().stop_flow()
        for queue in cast("Any", self.app.flow_control)._queues:
            for item in list(queue._queue):
                message = None if isinstance(item, Received) else getattr(item, "message", None)
                if message is not None:
                    message.acked = True
                    self._unacked_messages.discard(message)

    def on_buffer_drop(self, tp: TP) -> None:
        """An agent's queue has room again."""
        super().on_buffer_drop(tp)
        self._pressure_dropped.set()


def _look_at_error(fetching: asyncio.Future[Any]) -> None:
    """Whoever waits for the fetch has it too; when nobody does any more, asyncio would call it never retrieved."""
    if not fetching.cancelled():
        fetching.exception()


def runs(fetched: Fetched, sizes: Mapping[TP, int]) -> Iterator[tuple[TP, list[StoredRecord]]]:
    """Records of several partitions, a run of each in turn, so that a deep partition does not starve the others."""
    left = {tp: records for tp, records in fetched.items() if records}
    while left:
        for tp, records in list(left.items()):
            size = sizes.get(tp, RUN_RECORDS_MAX)
            yield tp, records[:size]
            left[tp] = records[size:]
            if not left[tp]:
                del left[tp]
