"""The consumer: fetches by offset, delivers to agents, commits what they finished. Runs on the app's own loop.

What it does differently from Faust's base class, and why, is in docs/driver.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from aiokafka.errors import IllegalStateError
from faust.transport import consumer as base
from faust.types import TP, ConsumerMessage, Message
from faust.types.transports import ConsumerCallback
from mode import Seconds, Service, get_logger

from streams.driver.coordinator import Coordinator
from streams.driver.limits import (
    COMMIT_LINGER_MS,
    COMMIT_RECORDS_MAX,
    FETCH_BLOCK_MS,
    FETCH_RECORDS_MAX,
    HELD_POLL_S,
    RECOVERY_PATIENCE_S,
    RETRY_FIRST_S,
    RETRY_MAX_S,
)
from streams.driver.producer import create_topic
from streams.driver.retry import persist
from streams.log import FencedError, LogError, LogUnavailableError, StoredRecord, TopicPartition

if TYPE_CHECKING:
    from streams.driver.transport import Transport

logger = get_logger(__name__)

Fetched = dict[TP, list[StoredRecord]]


class Consumer(base.Consumer):
    """Faust consumer over the log."""

    logger = logger
    consumer_stopped_errors: ClassVar[tuple[type[BaseException], ...]] = ()

    def __init__(self, transport: Any, callback: ConsumerCallback, *args: Any, **kwargs: Any) -> None:
        super().__init__(transport, callback, *args, **kwargs)
        self.redis_transport: Transport = transport
        self.committer = transport.committer
        self.watermarks = self.committer.watermarks
        self.coordinator = Coordinator(self, loop=self.loop, beacon=self.beacon)
        self._assigned: set[TP] = set()
        self._positions: dict[TP, int] = {}
        self._ends: dict[TP, int] = {}
        self._held: Fetched = {}
        self._seeks = 0
        self._holding = True
        self._handovers = 0
        self._pressure_dropped = asyncio.Event()
        self._ack_noticed = asyncio.Event()

    # --- life ---------------------------------------------------------------------------------------------------------

    async def on_start(self) -> None:
        """Wait for the broker, then take part in the group (a client without agents does not)."""
        await self.redis_transport.open()
        if not self.app.client_only:
            await self.add_runtime_dependency(self.coordinator)

    def close(self) -> None:
        """Called when a rebalance meets a stopping app: nothing to do, the coordinator leaves the group."""

    # --- topics and subscription --------------------------------------------------------------------------------------

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe; creates missing topics when the app may. The rebalance runs in the coordinator, not here."""
        names = set(topics)
        declared = {
            name: channel.partitions
            for channel in self.app.topics
            for name in channel.topics
            if channel.partitions is not None
        }
        for name in sorted(names):
            await self.redis_transport.ensure_topic(name, declared.get(name))
        if self.app.client_only:
            await self._assign_all(names)
        else:
            self.coordinator.subscribe(names)

    async def _assign_all(self, topics: set[str]) -> None:
        tps = {TP(topic, p) for topic in topics for p in range(self.topic_partitions(topic) or 0)}
        fresh = tps - self._assigned
        self._assigned = tps
        for tp, offset in (await self._reset_offsets(fresh)).items():
            self._position(tp, offset)
        self._set_active_tps(tps)

    async def assign(self, tps: set[TP]) -> None:
        """Take over an assignment; positions are sought by recovery."""
        self._assigned = set(tps)
        self._positions.clear()
        self._held.clear()
        self._seeks += 1
        self._ends.update(await self.highwaters(*tps))

    async def create_topic(
        self,
        topic: str,
        partitions: int,
        replication: int,
        *,
        config: Mapping[str, Any] | None = None,
        timeout: Seconds = 30.0,
        retention: Seconds | None = None,
        compacting: bool | None = None,
        deleting: bool | None = None,
        ensure_created: bool = False,
    ) -> None:
        """Create a topic that does not exist; an existing one keeps its partition count."""
        await create_topic(self.transport, topic, partitions, retention, compacting, deleting)

    def topic_partitions(self, topic: str) -> int | None:
        """Partition count of a topic seen before."""
        return self.redis_transport.partition_count(topic)

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        """Partition of a key; None when the topic is not known."""
        if partition is not None:
            return partition
        return None if self.topic_partitions(topic) is None else self.redis_transport.partition(topic, key)

    def incarnation(self, topic: str) -> str:
        """The topic's incarnation id: stores keep it beside their offset. Empty when the topic is not known."""
        info = self.redis_transport.broker.known_topic(topic)
        return info.incarnation if info else ""

    def assignment(self) -> set[TP]:
        """Active and standby partitions; the old ones until a new assignment is installed."""
        return set(self._assigned)

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    # --- positions ----------------------------------------------------------------------------------------------------

    def highwater(self, tp: TP) -> int:
        """Highwater as last seen."""
        return self._ends.get(tp, 0)

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        """Highwater (last offset + 1) of each partition, asked of the broker."""
        ends = await self._bounds("ends", partitions)
        self._ends.update(ends)
        return ends

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        """Lowest offset kept in each partition; its highwater when none is."""
        return await self._bounds("starts", partitions)

    async def _bounds(self, which: str, partitions: Iterable[TP]) -> dict[TP, int]:
        ask = getattr(self.redis_transport.broker, which)
        bounds: dict[TP, int] = {}
        for topic in sorted({tp.topic for tp in partitions}):
            reply = await self._patiently(lambda topic=topic: ask(topic))
            bounds.update({TP(topic, p): offset for p, offset in reply.items()})
        return {tp: bounds.get(tp, 0) for tp in partitions}

    async def _patiently(self, call: Any) -> Any:
        """A call of table recovery: waits for the broker, but raises before Faust's own timeout would end recovery."""
        return await persist(call, "table recovery", patience_s=RECOVERY_PATIENCE_S, stop=lambda: self.should_stop)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Position every assigned partition with agents on its committed offset and return those offsets.

        Raises:
            IllegalStateError: a rebalance began meanwhile (Faust then waits for the next assignment).
        """
        handovers = self._handovers
        committed = await self._patiently(lambda: self.redis_transport.broker.committed(self.redis_transport.group))
        tps = {tp for tp in self._assigned if not self._is_changelog_tp(tp)}
        offsets = {tp: committed[TopicPartition(*tp)] for tp in tps if TopicPartition(*tp) in committed}
        offsets |= await self._reset_offsets(tps - set(offsets))
        if not self._holding or handovers != self._handovers:
            raise IllegalStateError("another rebalance began")
        for tp, offset in sorted(offsets.items()):
            self._position(tp, offset)
            self.watermarks.reset(tp, offset)
            self._acked.pop(tp, None)
            self._acked_index.pop(tp, None)
        return offsets

    async def _reset_offsets(self, tps: set[TP]) -> dict[TP, int]:
        latest = str(self.app.conf.consumer_auto_offset_reset) == "latest"
        return await (self.highwaters(*tps) if latest else self.earliest_offsets(*tps))

    def _position(self, tp: TP, offset: int) -> None:
        self._positions[tp] = offset
        self._held.pop(tp, None)
        self._seeks += 1

    async def _seek(self, partition: TP, offset: int) -> None:
        self._position(partition, offset)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Position partitions for recovery; an offset that was trimmed is moved up to the earliest kept.

        Raises:
            IllegalStateError: when a partition is not assigned (Faust takes it for another rebalance).
        """
        missing = set(partitions) - self._assigned
        if missing:
            raise IllegalStateError(f"not assigned: {sorted(missing)}")
        earliest = await self.earliest_offsets(*partitions)
        for tp, offset in partitions.items():
            self._position(tp, max(offset or 0, earliest[tp]))
            self._read_offset[tp] = offset or None

    async def seek_to_beginning(self, *partitions: TP) -> None:
        """Position partitions on the earliest offset kept."""
        for tp, offset in (await self.earliest_offsets(*partitions)).items():
            self._position(tp, offset)

    async def position(self, tp: TP) -> int | None:
        """The next offset to fetch."""
        return self._positions.get(tp, 0)

    # --- fetching -----------------------------------------------------------------------------------------------------

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
        fetched = await self.redis_transport.broker.fetch(offsets, count=FETCH_RECORDS_MAX, block_ms=block_ms)
        if seeks != self._seeks or not self.flow_active:
            return {}
        still = wanted if active_partitions is None else wanted & self._get_active_partitions()
        found = {TP(*tp): records for tp, records in fetched.items() if TP(*tp) in still}
        for tp, records in found.items():
            self._skip_trimmed(tp, records[0].offset)
        return found

    def _skip_trimmed(self, tp: TP, offset: int) -> None:
        position = self._positions[tp]
        if offset > position:
            self.log.error(
                "offsets %d to %d of %s were trimmed unread: retention is too short", position, offset - 1, tp
            )
            if tp in self.watermarks:
                self.watermarks.skip(tp, offset)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            record.offset,
            record.timestamp_ms / 1000.0,
            0,
            list(record.headers) or None,
            record.key,
            record.value,
            None,
            None if record.key is None else len(record.key),
            None if record.value is None else len(record.value),
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Fetch once and yield messages, partitions in turn."""
        for tp, record in interleave(await self._getmany(self._get_active_partitions(), timeout)):
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
        generation, seeks = self.app.consumer_generation_id, self._seeks
        for tp, record in interleave(fetched):
            if not self.flow_active or seeks != self._seeks or generation != self.app.consumer_generation_id:
                return
            if tp in self._held or (tp in self._buffered_partitions and not self.app.in_recovery):
                self._held.setdefault(tp, []).append(record)
                self._positions[tp] = record.offset + 1
                continue
            self._positions[tp] = record.offset + 1
            await self._deliver_one(tp, record)

    async def _deliver_one(self, tp: TP, record: StoredRecord) -> None:
        self._ends[tp] = max(self._ends.get(tp, 0), record.offset + 1)
        self._note_delivery(tp, record.offset)
        message = self._to_message(tp, record)
        channels = cast("Any", self.app.topics)._tp_index.get(tp, ())
        if not channels and not self.app.client_only:
            self.watermarks.finish(tp, (record.offset,))
        elif any(channel.queue.full() for channel in channels) or self.app.flow_control._suspend.is_set():
            # Only a full queue may block, and a rebalance must be able to interrupt it.
            await self.wait_first(self.callback(message), self.suspend_flow.wait())
        else:
            await self.callback(message)
        self._read_offset[tp] = record.offset

    def _note_delivery(self, tp: TP, offset: int) -> None:
        if tp in self.watermarks:
            self.watermarks.deliver(tp, offset)
            if not self.app.topics.acks_enabled_for(tp.topic):
                self.watermarks.finish(tp, (offset,))

    def on_buffer_drop(self, tp: TP) -> None:
        """An agent's queue has room again."""
        super().on_buffer_drop(tp)
        self._pressure_dropped.set()

    # --- committing ---------------------------------------------------------------------------------------------------

    def ack(self, message: Message) -> bool:
        """Note an event as finished, if an agent of this generation worked on it.

        Faust also acks what it skips: events of an older generation, and those that meet a rebalance in a queue
        (not `tracked`). Those are not finished; they will be processed again.
        """
        if message.tracked and message.generation_id == self.app.consumer_generation_id:
            return bool(super().ack(message))
        message.acked = True
        self._unacked_messages.discard(message)
        return False

    def note_committed(self, offsets: Mapping[TP, int]) -> None:
        """Faust's own record of what is committed."""
        self._committed_offset.update(offsets)
        self.app.monitor.on_tp_commit(dict(offsets))

    def _take_acks(self) -> None:
        for tp, offsets in self._acked.items():
            if offsets:
                self.watermarks.finish(tp, offsets)
                offsets.clear()
                self._acked_index[tp].clear()
        self._n_acked = 0

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit everything finished, whatever `topics` says: outputs and offsets of all partitions go together."""
        if self.app.client_only:
            return False
        self._take_acks()
        try:
            did = bool(await self.committer.commit())
        except LogUnavailableError:
            return False
        except LogError as exc:
            if not isinstance(exc, FencedError):
                await self.crash(exc)
            return False
        if self.committer.fenced.is_set():
            self.coordinator.fenced()
        return did

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        return await self.commit()

    @Service.task
    async def _commit_handler(self) -> None:
        """Faust's commit timer, which is not needed: see `_commit_continuously`."""

    @Service.task
    async def _commit_continuously(self) -> None:
        """One commit follows another while there is something finished; one event alone is committed at once."""
        while not self.should_stop:
            acked = self._waiting_for_ack = self.loop.create_future()
            if not any(self._acked.values()):
                await self.wait_first(acked, timeout=1.0)
            if self.should_stop:
                return
            await self._gather()
            await self.commit()

    async def _gather(self) -> None:
        self._take_acks()
        if self.watermarks.busy() and len(self.committer.outbox) < COMMIT_RECORDS_MAX:
            await asyncio.sleep(COMMIT_LINGER_MS / 1000)

    # --- hand-over ----------------------------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let agents finish and commit that first; only then forget the partitions' bookkeeping."""
        self._holding = False
        self._handovers += 1
        await self._on_partitions_revoked(revoked)
        self._get_active_partitions().difference_update(revoked)
        self._paused_partitions.difference_update(revoked)
        self._buffered_partitions.clear()
        self._held.clear()
        self.watermarks.forget(revoked)
        for tp in revoked:
            for book in (self._gap, self._acked, self._acked_index, self._read_offset, self._committed_offset):
                cast("dict[TP, Any]", book).pop(tp, None)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """From here on the partitions are held."""
        self._holding = True
        await super().on_partitions_assigned(assigned, generation_id)

    def resume_flow(self) -> None:
        """Deliver again; not between two assignments, when only a recovery that has been overtaken asks for it."""
        if self._holding:
            super().resume_flow()

    async def wait_empty(self) -> None:
        """Wait, within half the rebalance timeout, for events under way; what is not done then is processed again."""
        until = self.loop.time() + self.app.conf.broker_rebalance_timeout / 2
        while self._unacked_messages and not self.committer.fenced.is_set():
            self._clean_unacked_messages()
            remaining = until - self.loop.time()
            if remaining <= 0:
                self._abandon()
                break
            acked = self._waiting_for_ack = self.loop.create_future()
            await asyncio.wait([acked], timeout=min(remaining, 0.1))
        await self.commit()

    def _abandon(self) -> None:
        self.log.error(
            "%d events are under way at the rebalance deadline; they will be processed again. Agents stand at:\n%s",
            len(self._unacked_messages),
            self.app.agents.human_tracebacks(),
        )
        for message in list(self._unacked_messages):
            message.acked = True
        self._unacked_messages.clear()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's livelock probe; lag and in-flight counts are published instead."""


def interleave(fetched: Fetched) -> Iterable[tuple[TP, StoredRecord]]:
    """Records of several partitions, one of each in turn, so that a deep partition does not starve the others."""
    queues = [(tp, iter(records)) for tp, records in fetched.items()]
    while queues:
        live = []
        for tp, records in queues:
            record = next(records, None)
            if record is not None:
                yield tp, record
                live.append((tp, records))
        queues = live
