"""The consumer: takes part in the group, commits what agents finished, hands partitions over.

Runs on the app's own loop. What it does differently from Faust's base class, and why, is in docs/driver.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

from faust.types import TP, ConsumerMessage, Message
from faust.types.transports import ConsumerCallback
from mode import Seconds, Service, get_logger
from mode.utils.futures import notify

from faust_redis.driver.batches import BatchMessage, offsets_of
from faust_redis.driver.coordinator import Coordinator
from faust_redis.driver.delivery import Delivery
from faust_redis.driver.dependencies import Source
from faust_redis.driver.fast_tables import enable_fast_path
from faust_redis.driver.limits import COMMIT_LINGER_MS_MAX, COMMIT_LINGER_MS_MIN, COMMIT_RECORDS_ENOUGH, TABLES_WAIT_S
from faust_redis.driver.plain import check_stores
from faust_redis.driver.producer import Producer, create_topic
from faust_redis.driver.retention import Retention
from faust_redis.driver.waits import Runner, Runners
from faust_redis.log import FencedError, LogError, LogUnavailableError

logger = get_logger(__name__)


class Consumer(Delivery):
    """Faust consumer over the log."""

    logger = logger
    consumer_stopped_errors: ClassVar[tuple[type[BaseException], ...]] = ()

    def __init__(self, transport: Any, callback: ConsumerCallback, *args: Any, **kwargs: Any) -> None:
        super().__init__(transport, callback, *args, **kwargs)
        self.coordinator = Coordinator(self, loop=self.loop, beacon=self.beacon)
        self._commit_took_s = 0.0
        self._gathering: asyncio.Future[None] | None = None
        self.alone: set[Source] = set()
        """Events of batches that failed: not to be taken together with others."""

    @property
    def _runners(self) -> Runners:
        return cast("Producer", self.app.producer).waits.runners

    # --- life ---------------------------------------------------------------------------------------------------------

    async def on_start(self) -> None:
        """Wait for the broker, then take part in the group (a client without agents does not)."""
        await self.redis_transport.open()
        if not self.app.client_only:
            check_stores(self.app)
            await self.redis_transport.failures.prepare()
            self.redis_transport.memory.prepare()
            enable_fast_path(self.redis_transport)
            self._hurry_tables()
            self.redis_transport.windows.prepare()
            await self.add_runtime_dependency(self.coordinator)
            await self.add_runtime_dependency(Retention(self.coordinator, loop=self.loop, beacon=self.beacon))

    def _hurry_tables(self) -> None:
        """Faust's table manager gives tables a second to be added before it looks at them; they are there by then."""
        tables = cast("Any", self.app.tables)

        async def briefly(_seconds: float) -> None:
            del tables.sleep  # only that first one
            await asyncio.sleep(TABLES_WAIT_S)

        tables.sleep = briefly

    def close(self) -> None:
        """Called when a rebalance meets a stopping app: nothing to do, the coordinator leaves the group."""

    # --- topics and subscription --------------------------------------------------------------------------------------

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe; creates missing topics as declared. The rebalance runs in the coordinator, not here.

        Not while tables are still being added, nor with what is left of the topics while the app stops: a member with a
        part of the topics would get events without their tables.
        """
        names = set(topics)
        if not self.app.client_only and not names.issuperset(self.app.tables.changelog_topics):
            return
        declared = {name: channel for channel in self.app.topics for name in channel.topics}
        for name in sorted(names):
            if name in declared:
                await _declare(self.transport, name, declared[name])
            else:
                await self.redis_transport.ensure_topic(name)
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
        """Take over an assignment; positions are sought by recovery.

        Topics are looked up anew, so that those of a flushed or restored broker are not taken for the ones known.

        Raises:
            UnknownTopicError: when one is gone.
        """
        for topic in sorted({tp.topic for tp in tps}):
            await self._patiently(lambda topic=topic: self.redis_transport.broker.topic(topic, fresh=True))
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

    # --- committing ---------------------------------------------------------------------------------------------------

    def ack(self, message: Message) -> bool:
        """Note an event as finished, if an agent of this generation worked on it.

        Faust also acks what it skips: events of an older generation, and those that meet a rebalance in a queue
        (not `tracked`). Those are not finished; they will be processed again.
        """
        counts = message.tracked and message.generation_id == self.app.consumer_generation_id and not message.acked
        message.acked = True
        if self._unacked_messages:
            self._unacked_messages.discard(message)
        if counts:
            self._finish(message)
        return counts

    def runner(self) -> Runner:
        """Of the current task: where it notes the message of the event, or of the batch, that it works on."""
        return self._runners.runner()

    def in_flight(self) -> list[Any]:
        """Messages of events that agents work on."""
        running = [message for message in self._runners.messages() if not message.acked]
        return [*self._unacked_messages, *running]

    def done(self, message: Message) -> None:
        """An agent is through with it; others may not be."""
        if not message.acked:
            message.refcount -= 1
            if message.refcount <= 0:
                self.ack(message)

    def finish(self, message: ConsumerMessage) -> None:
        """Count an event as finished whatever its agents still do with it: its letter stands for all it did."""
        self.disown(message)
        self._finish(message)

    def _finish(self, message: Message) -> None:
        if isinstance(message, BatchMessage):
            self.tracker.finish(message.tp, offsets_of(message))
        else:
            self.tracker.finish_one(message.tp, message.offset)
        self._has_finished = True
        notify(self._waiting_for_ack)

    def builds_on(self, message: Message, base: Source) -> None:
        """Note that an event met a table row that another event wrote and that is not committed."""
        if message.generation_id == self.app.consumer_generation_id and not self._is_settled(base, message):
            self.committer.dependencies.add(message, base)

    def _is_settled(self, base: Source, message: Message) -> bool:
        """Whether nothing can come between an event and what it builds on.

        That is committed, or is finished, builds on nothing that is not, and goes before in the same partition.
        """
        tp, offset = base
        goes_before = offset < message.offset and tp == message.tp
        if goes_before and self.tracker.is_finished(tp, offset) and base not in self.committer.dependencies:
            return True
        return self.is_committed(base)

    def is_committed(self, source: Source | None) -> bool:
        """Whether an event is committed, or is none of this generation's."""
        return source is None or source[0] not in self.tracker or source[1] < self.tracker.committed(source[0])

    def note_committed(self, offsets: Mapping[TP, int]) -> None:
        """Faust's own record of what is committed."""
        self._committed_offset.update(offsets)
        if self.alone:
            self.alone = {(tp, offset) for tp, offset in self.alone if offset >= offsets.get(tp, 0)}
        self.app.monitor.on_tp_commit(dict(offsets))

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit everything finished, whatever `topics` says: outputs and offsets of all partitions go together."""
        return await self._write_finished()

    async def _write_finished(self, leave: int = 0) -> bool:
        if self.app.client_only:
            return False
        self._take_acks()
        try:
            did = bool(await self.committer.commit(leave))
        except LogUnavailableError:
            return False
        except LogError as exc:
            if not isinstance(exc, FencedError):
                await self.crash(exc)
            return False
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
            if not self._has_finished and not any(self._acked.values()):
                await self.wait_first(acked, timeout=1.0)
            if self.should_stop:
                return
            await self._gather()
            began = self.loop.time()
            if await self._write_finished(COMMIT_RECORDS_ENOUGH) and self.tracker.committable():
                self._has_finished = True  # a few are left to be joined by those that finish now
            self._commit_took_s = self.loop.time() - began

    async def _gather(self) -> None:
        self._take_acks()
        if self.tracker.busy() and len(self.committer.pending) < COMMIT_RECORDS_ENOUGH:
            linger_ms = min(max(2000 * self._commit_took_s, COMMIT_LINGER_MS_MIN), COMMIT_LINGER_MS_MAX)
            self._gathering = self.loop.create_future()
            await asyncio.wait((self._gathering,), timeout=linger_ms / 1000)
            self._gathering = None

    def on_idle(self) -> None:
        """An agent waits for events. When all of them do, nothing is left for a commit to wait for."""
        if self._gathering is not None and not self._gathering.done():
            self._take_acks()
            if not self.tracker.busy():
                self._gathering.set_result(None)

    # --- hand-over ----------------------------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let agents finish and commit that first; only then forget the partitions' bookkeeping."""
        self._holding = False
        self._handovers += 1
        await self._on_partitions_revoked(revoked)
        self._disown_all()
        self.alone.clear()
        self.redis_transport.failures.forget()
        self._get_active_partitions().difference_update(revoked)
        self._paused_partitions.difference_update(revoked)
        self._buffered_partitions.clear()
        self._held.clear()
        self.tracker.forget(revoked)
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
        while self.in_flight() and not self.committer.fencing.is_fenced:
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
            len(self.in_flight()),
            self.app.agents.human_tracebacks(),
        )

    def _disown_all(self) -> None:
        """Events still under way belong to the past now: their acks must not count for those delivered again."""
        for message in self.in_flight():
            message.acked = True
        self._unacked_messages.clear()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's livelock probe; lag and in-flight counts are published instead."""


async def _declare(transport: Any, name: str, topic: Any) -> None:
    await create_topic(transport, name, topic.partitions, topic.retention, topic.compacting, topic.deleting)
