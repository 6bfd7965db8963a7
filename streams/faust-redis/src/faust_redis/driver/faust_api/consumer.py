"""Adapt the driver's parts to the consumer interface that Faust's app, conductor and recovery call.

Runs on the app's own loop. docs/driver.md says what it does differently from Faust's base class, and why.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from typing import Any, ClassVar, cast

from faust.transport import consumer as base
from faust.types import TP, ConsumerMessage, Message
from faust.types.transports import ConsumerCallback
from mode import Seconds, Service, get_logger

from faust_redis.driver import faust_internals as internals
from faust_redis.driver.delivery.batches import BatchMessage, Received
from faust_redis.driver.delivery.faust_acks import FaustAcks
from faust_redis.driver.delivery.fetch_state import FetchedRecords
from faust_redis.driver.delivery.hand_over import runs
from faust_redis.driver.delivery.messages import to_message
from faust_redis.driver.faust_api.composition import Driver
from faust_redis.driver.faust_api.group_member import GroupMember
from faust_redis.driver.faust_api.producer import create_topic
from faust_redis.driver.limits import FETCH_BLOCK_MS, TABLES_WAIT_S
from faust_redis.driver.source import Source
from faust_redis.driver.state.fast_tables import enable_fast_path
from faust_redis.driver.state.plain import check_stores, check_topics

logger = get_logger(__name__)

ACK_POLL_S = 0.1
"""How often a hand-over checks the events in flight. Some acks bypass the driver, so it must poll."""


class Consumer(base.Consumer):
    """Faust consumer over the log."""

    logger = logger
    consumer_stopped_errors: ClassVar[tuple[type[BaseException], ...]] = ()

    def __init__(self, transport: Any, callback: ConsumerCallback, *args: Any, **kwargs: Any) -> None:
        super().__init__(transport, callback, *args, **kwargs)
        self.adopt(transport.driver)
        self.coordinator = GroupMember(self.driver, loop=self.loop, beacon=self.beacon)

    def adopt(self, driver: Driver) -> None:
        """Take over the driver's parts."""
        self.driver = driver
        # Faust's streams add to these.
        self._unacked_messages = cast("Any", driver.in_flight.unacked)
        self._acked = self._acked_index = cast("Any", FaustAcks(driver.in_flight.finish_acked))
        driver.committer.on_committed(self._note_committed)

    # --- start and stop -----------------------------------------------------------------------------------------------

    async def on_start(self) -> None:
        """Wait for the broker, then take part in the group (a client without agents does not)."""
        await cast("Any", self.transport).open()
        driver = self.driver
        driver.telemetry.refresh()
        if not self.app.client_only:
            check_stores(self.app, self.driver.broker.shard)
            await driver.failures.prepare()
            driver.memory.prepare()
            enable_fast_path(self.app, driver.writes, driver.telemetry)
            internals.shorten_wait_for_tables(self.app.tables, TABLES_WAIT_S)
            driver.windows.prepare()
            await self.add_runtime_dependency(self.coordinator)

    def close(self) -> None:
        """Do nothing when a rebalance finds the app stopping, because the coordinator leaves the group."""

    # --- topics and subscription --------------------------------------------------------------------------------------

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Create missing topics as declared, and subscribe. The group's task then rebalances.

        Do nothing while tables are still being added, or with the remaining topics while the app stops. A member with
        some of the topics would get events without their tables.

        Raises:
            ImproperlyConfigured: a topic needs all partitions in one place, and the namespace has several shards.
        """
        names = set(topics)
        check_topics(self.app, names, self.driver.broker.shard)
        if not self.app.client_only and not names.issuperset(self.app.tables.changelog_topics):
            return
        declared = {name: channel for channel in self.app.topics for name in channel.topics}
        for name in sorted(names):
            if name in declared:
                await _declare(self.driver, name, declared[name])
            else:
                await self.driver.topics.ensure(name)
        if self.app.client_only:
            await self._assign_all(names)
        else:
            self.driver.membership.subscribe(names)

    async def _assign_all(self, topics: set[str]) -> None:
        shard = self.driver.broker.shard
        tps = {TP(topic, p) for topic in topics for p in shard.partitions(self.topic_partitions(topic) or 0)}
        fresh = tps - self.driver.ownership.assigned
        self.driver.ownership.assign(tps)
        for tp, offset in (await self.driver.seeker.initial_offsets(fresh)).items():
            self.driver.fetch_state.seek(tp, offset)
        self._set_active_tps(tps)

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
        await create_topic(self.driver.topics, topic, partitions, retention, compacting, deleting)

    def topic_partitions(self, topic: str) -> int | None:
        """Return the partition count of a topic seen before."""
        return self.driver.topics.partition_count(topic)

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        """Return the partition of a key; None when the topic is not known."""
        if partition is not None:
            return partition
        return None if self.topic_partitions(topic) is None else self.driver.topics.partition(topic, key)

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    # --- calls of table stores ----------------------------------------------------------------------------------------

    def incarnation(self, topic: str) -> str:
        """Return the topic's incarnation id, which stores keep in their checkpoint; empty for an unknown topic."""
        return self.driver.topics.incarnation(topic)

    def builds_on(self, message: Message, base: Source) -> None:
        """Note that an event read or overwrote another event's uncommitted table row."""
        self.driver.in_flight.builds_on(message, base)

    def is_committed(self, source: Source | None) -> bool:
        """Return whether an event is committed, or belongs to another generation."""
        return self.driver.in_flight.is_committed(source)

    # --- positions ----------------------------------------------------------------------------------------------------

    def assignment(self) -> set[TP]:
        """Return active and standby partitions; the old ones until a new assignment is installed."""
        return set(self.driver.ownership.assigned)

    def damaged(self) -> list[str]:
        """Return the damage that this member has met, one text for each partition, and what other shards refuse."""
        return sorted(map(str, self.driver.damages().values())) + self.driver.forwarding.refusals()

    def highwater(self, tp: TP) -> int:
        """Return the last known high watermark."""
        return self.driver.fetch_state.high_watermarks.get(tp, 0)

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        """Ask the broker for the high watermark (last offset + 1) of each partition."""
        return await self.driver.seeker.high_watermarks(partitions)

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        """Return the lowest offset in each partition; an empty partition returns its high watermark."""
        return await self.driver.seeker.earliest_offsets(partitions)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek each assigned partition with agents to its committed offset; return those offsets."""
        return await self.driver.seeker.seek_to_committed()

    async def _seek(self, partition: TP, offset: int) -> None:
        self.driver.fetch_state.seek(partition, offset)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Seek partitions for recovery."""
        await self.driver.seeker.seek_for_recovery(partitions)

    async def seek_to_beginning(self, *partitions: TP) -> None:
        """Seek partitions to their lowest offset."""
        for tp, offset in (await self.earliest_offsets(*partitions)).items():
            self.driver.fetch_state.seek(tp, offset)

    async def position(self, tp: TP) -> int | None:
        """Return the next offset to fetch."""
        return self.driver.fetch_state.positions.get(tp, 0)

    async def went_back(self) -> bool:
        """Return whether the broker was restored to an earlier state."""
        return await self.driver.seeker.went_back()

    # --- flow ---------------------------------------------------------------------------------------------------------

    @property
    def active(self) -> set[TP]:
        """Return the partitions that are neither paused nor full."""
        return self._get_active_partitions()

    @property
    def full(self) -> set[TP]:
        """Return the partitions whose agent's queue is full."""
        return self._buffered_partitions

    async def wait_until_suspended(self) -> None:
        """Wait until the flow stops."""
        await self.suspend_flow.wait()

    async def wait_until_resumed(self) -> None:
        """Wait until the flow resumes."""
        await self.can_resume_flow.wait()

    async def hand_to_conductor(self, message: Message) -> None:
        """Hand a message to all its agents through Faust's conductor."""
        await self.callback(message)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
        """Run a coroutine as a task of the consumer, which ends with the consumer."""
        future: asyncio.Future[Any] = self.add_future(work)
        return future

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Resume partitions and interrupt the present fetch, so that they are read at once."""
        super().resume_partitions(tps)
        self.driver.fetcher.interrupt()

    def resume_flow(self) -> None:
        """Resume deliveries. Between two assignments do nothing, because only an outdated recovery asks for it."""
        if self.driver.ownership.is_installed:
            super().resume_flow()
            self.driver.fetcher.interrupt()

    def stop_flow(self) -> None:
        """Stop deliveries. Faust then clears the agents' queues, and the waiting events are delivered again.

        An event cannot finish when one agent has processed it and it still waits for another. A hand-over must not wait
        for it, and its ack must not count.
        """
        super().stop_flow()
        for item in internals.waiting_items(self.app):
            message = None if isinstance(item, Received) else getattr(item, "message", None)
            if message is not None:
                self.driver.in_flight.forget_waiting(message)

    def on_buffer_full(self, tp: TP) -> None:
        """Note that an agent's queue is full."""
        super().on_buffer_full(tp)

    def on_buffer_drop(self, tp: TP) -> None:
        """Note that an agent's queue has room again."""
        super().on_buffer_drop(tp)
        self.driver.hand_over.on_room()

    # --- fetching -----------------------------------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        """Fetch and deliver until the fetcher stops."""
        try:
            await self.driver.fetcher.run(lambda: self.should_stop or fetcher.should_stop, self._fetch)
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise

    async def _fetch(self) -> FetchedRecords:
        self.not_waiting_next_records.clear()
        try:
            active = None if self.app.client_only else self.active
            return await self.driver.fetcher.fetch_once(active, FETCH_BLOCK_MS / 1000)
        finally:
            self.not_waiting_next_records.set()

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        return await self.driver.fetcher.fetch_once(active_partitions, timeout)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Fetch once and yield messages, partitions in turn."""
        for tp, run in runs(await self._getmany(self.active, timeout), {}):
            for record in run:
                yield tp, self._to_message(tp, record)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        return to_message(tp, record, self.app.consumer_generation_id)

    # --- finishing and committing -------------------------------------------------------------------------------------

    def ack(self, message: Message) -> bool:
        """Note an event as finished if an agent of this generation processed it."""
        return self.driver.in_flight.ack(message)

    def split_batch(self, message: BatchMessage, error: Exception) -> None:
        """Take back the effects of a failed batch, and deliver its events again one at a time."""
        self.driver.failures.split(message, error)

    def _note_committed(self, offsets: Mapping[TP, int]) -> None:
        self._committed_offset.update(offsets)
        self.app.monitor.on_tp_commit(dict(offsets))

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit all finished events. This ignores `topics`, because all partitions are committed together."""
        return False if self.app.client_only else await self.driver.commit_loop.write_finished()

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        return await self.commit()

    @Service.task
    async def _commit_handler(self) -> None:
        """Run the commit loop, which replaces Faust's commit timer."""
        if not self.app.client_only:
            await self.driver.commit_loop.run()

    # --- hand-over ----------------------------------------------------------------------------------------------------

    async def assign(self, tps: set[TP]) -> None:
        """Note an assignment; recovery seeks its positions.

        The driver looks up the topics again, because a flushed or restored broker may have other incarnations.

        Raises:
            UnknownTopicError: a topic no longer exists.
        """
        driver = self.driver
        for topic in sorted({tp.topic for tp in tps}):
            await driver.seeker.patiently(lambda topic=topic: driver.topics.refresh(topic))
        driver.ownership.assign(tps)
        driver.fetch_state.clear()
        await self.highwaters(*tps)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let agents finish their events and commit them, and then forget the state of the partitions."""
        driver = self.driver
        driver.ownership.revoke()
        await self._on_partitions_revoked(revoked)
        driver.in_flight.clear()
        driver.failures.forget()
        self.active.difference_update(revoked)
        self._paused_partitions.difference_update(revoked)
        self._buffered_partitions.clear()
        driver.fetch_state.drop_waiting()
        driver.tracker.forget(revoked)
        for tp in revoked:
            for book in (self._read_offset, self._committed_offset):
                cast("dict[TP, Any]", book).pop(tp, None)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take over partitions and start to read them."""
        self.driver.ownership.install()
        await super().on_partitions_assigned(assigned, generation_id)

    async def wait_empty(self) -> None:
        """Wait for the events in flight for at most half the rebalance timeout. The others are processed again."""
        in_flight = self.driver.in_flight
        until_s = self.loop.time() + self.app.conf.broker_rebalance_timeout / 2
        while in_flight.messages() and not self.driver.fencing.is_fenced:
            in_flight.clean()
            remaining_s = until_s - self.loop.time()
            if remaining_s <= 0:
                self._abandon(len(in_flight.messages()))
                # Faust may cancel their agents, which closes the streams: that must not count as finished.
                in_flight.clear()
                break
            await asyncio.wait((in_flight.next_finished(),), timeout=min(remaining_s, ACK_POLL_S))
        await self.commit()

    def _abandon(self, count: int) -> None:
        self.log.error(
            "%d events are in flight at the rebalance deadline; they will be processed again. Agents are at:\n%s",
            count,
            self.app.agents.human_tracebacks(),
        )

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing in place of Faust's livelock probe, because the status shows lag and events in flight."""


async def _declare(driver: Driver, name: str, topic: Any) -> None:
    await create_topic(driver.topics, name, topic.partitions, topic.retention, topic.compacting, topic.deleting)
