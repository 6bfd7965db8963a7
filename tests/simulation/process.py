"""A worker process: the driver's services, called as Faust's App, conductor and streams call them, in that order."""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from faust.types import TP
from faust_redis import consume_in_append_order
from faust_redis.dead_letters import TransientError
from faust_redis.driver.commit.committer import OutputDroppedError
from faust_redis.driver.delivery.batches import BatchSize
from faust_redis.driver.delivery.in_flight import GENERATION_NONE
from faust_redis.driver.limits import FETCH_RECORDS_MAX, ROW_US, STATUS_INTERVAL_S
from faust_redis.log import Fetched, LogUnavailableError, ResizedError, TopicPartition
from faust_redis.testing.client import Client, SimulatedLog
from mode.utils.queues import FlowControlEvent, ThrowableQueue

from tests.simulation.disk import OpenDisk, SimulatedStore
from tests.simulation.needs import needs_of
from tests.simulation.recovery import Recovery
from tests.simulation.services import (
    Assignor,
    NoSensors,
    SimulatedConsumer,
    SimulatedGroups,
    SimulatedProducer,
    SimulatedStream,
    name_writers,
    simulated_driver,
)
from tests.simulation.topology import CHANGELOG, GROUP_NAME, NAMESPACE, SUBSCRIPTION, TABLE, Effects

if TYPE_CHECKING:
    from tests.simulation.world import World

QUEUE_RECORDS_MAX = 6
"""Events waiting for one agent; small, so that queues do fill up."""


@dataclass(eq=False)
class Event:
    """An event as an agent receives it."""

    message: Any
    app: Any

    @property
    def key(self) -> Any:
        """Return the raw key: the simulation decodes nothing."""
        return self.message.key

    @property
    def value(self) -> Any:
        """Return the raw value: the simulation decodes nothing."""
        return self.message.value


@dataclass(frozen=True)
class PressureDrop:
    """A callback that tells the consumer that a queue has capacity again.

    Queues keep these callbacks in a set, so the hash is numbered to make a seed repeatable.
    """

    number: int
    consumer: Any = field(compare=False)
    tp: TP = field(compare=False)

    def __call__(self) -> None:
        self.consumer.on_buffer_drop(self.tp)


class OrderedQueues(dict[Any, None]):
    """The queues of a process in creation order.

    Mode's own set iterates in the order of memory addresses.
    """

    def add(self, queue: Any) -> None:
        """Add a queue."""
        self[queue] = None


class LogOfSmallReads(SimulatedLog):
    """A log whose reads return few records of each partition, so that reads of several topics are often cut."""

    records_max = FETCH_RECORDS_MAX
    others: Mapping[int, SimulatedLog]
    """The clients of the other brokers."""

    async def fetch_each(
        self, offsets: Mapping[TopicPartition, int], *, count: int = 500, block_ms: int | None = None
    ) -> Fetched:
        """Fetch at most `records_max` records of each partition, or some more that share their entry."""
        return await super().fetch_each(offsets, count=min(count, self.records_max), block_ms=block_ms)


class Process:
    """One life of a worker.

    The driver gets this object where it expects Faust's `App`.
    """

    client_only = False

    def __init__(self, world: World, name: str, life: int) -> None:
        self.world = world
        self.member = f"{name}.{life}"
        self.broker = world.brokers[world.home.of_worker(name)]
        self.loop = world.new_loop(self)
        self.should_stop = False
        self.services_over = False
        self.stopped = False
        self.in_recovery = False
        self.is_outdated = False
        """Whether the server went back after the present assignment."""
        self.rebalancing = True
        self.consumer_generation_id = 0
        self.recovered_generation = 0
        self.forwarding: Any = None
        self.sent_outside: list[bytes] = []
        self.tasks: set[Any] = set()
        self.conf: Any = SimpleNamespace(
            id=GROUP_NAME,
            topic_allow_declare=False,
            reply_to="",
            reply_to_prefix="f-reply-",
            consumer_auto_offset_reset="earliest",
            Event=lambda app, _key, _value, _headers, message: Event(message, app),
            broker_session_timeout=world.plan.lease_s,
            broker_heartbeat_interval=world.plan.lease_s / 3.5,
            broker_rebalance_timeout=world.plan.rebalance_s,
        )
        self.tables: Any = {TABLE: None}
        self.topics: Any = SimpleNamespace(acks_enabled_for=lambda topic: topic != CHANGELOG, _tp_index={})
        self.monitor: Any = SimpleNamespace(
            on_tp_commit=lambda _offsets: None,
            messages_received_total=0,
            messages_received_by_topic=Counter(),
            tp_read_offsets={},
        )
        self.sensors = NoSensors()
        self.on_produce_message: Any = SimpleNamespace(iter_receivers=lambda _app: ())
        self.agents: Any = SimpleNamespace(human_tracebacks=lambda: "", values=self._agents)
        if world.plan.ordered_reads:
            consume_in_append_order(self)
        self.assignor = Assignor(world, self.broker.shard)

    def _agents(self) -> list[Any]:
        return [
            SimpleNamespace(get_topic_names=lambda topic=topic: [topic], concurrency=concurrency)
            for topic, _, concurrency in self.effects.handlers()
        ]

    # --- start and stop -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Build and start all services, as a worker's start does."""
        self.loop.turn(self._start)

    def _start(self) -> None:
        world = self.world
        log, others = self._logs()
        log.records_max = world.plan.ordered_reads or FETCH_RECORDS_MAX
        log.groups = SimulatedGroups(self, log)
        self.driver = simulated_driver(self, log, others)
        self.producer = SimulatedProducer(self)
        self.batches: dict[str, Any] = {}
        """The batch that the agent of each topic has begun, if it takes batches."""
        self.consumer = SimulatedConsumer(self)
        disk = OpenDisk(
            world.disks[self.member.partition(".")[0]],
            before_write=lambda: world.may_write(self),
            after_write=lambda table, partition: self.broker.checks.on_disk_write(self, table, partition),
        )
        self.store = SimulatedStore(self, TABLE, CHANGELOG, disk)
        table = SimpleNamespace(changelog_topic=self.store.table.changelog_topic, data=self.store)
        self.flow_control = FlowControlEvent(initially_suspended=True)
        self.flow_control._queues = OrderedQueues()  # type: ignore[assignment]
        self.queues: dict[str, Any] = {
            topic: ThrowableQueue(QUEUE_RECORDS_MAX, flow_control=self.flow_control, clear_on_resume=True)
            for topic in (*SUBSCRIPTION,)
        }
        self.recovery = Recovery(self, self.queues[CHANGELOG])
        self.tables = SimpleNamespace(values=lambda: [table], changelog_topics={CHANGELOG}, recovery=self.recovery)
        self.effects = Effects(self)
        self._on_error = self.driver.failures.before(None)
        self.spawn(self._live())

    def _logs(self) -> tuple[LogOfSmallReads, dict[int, SimulatedLog]]:
        """Return the clients of the worker's own broker and of the others."""
        clients = [Client(broker.network, self.member, self.loop) for broker in self.world.brokers]
        own = LogOfSmallReads(clients[self.broker.shard.number], NAMESPACE, shard=self.broker.shard, transit=GROUP_NAME)
        if own.transit is not None:
            name_writers(own.transit, self.member, self.world.now_ms)
        others = {
            broker.shard.number: SimulatedLog(client, NAMESPACE, shard=broker.shard, transit=GROUP_NAME)
            for broker, client in zip(self.world.brokers, clients, strict=True)
            if broker is not self.broker
        }
        own.others = others
        own.keeps_partitions = True
        return own, others

    async def _live(self) -> None:
        await self.consumer_topics()
        for topic, queue in self.queues.items():
            channel = SimpleNamespace(queue=queue)
            for p in range(self.world.plan.places):
                self.topics._tp_index[TP(topic, p)] = (channel,)
        membership = self.driver.membership
        membership.subscribe(SUBSCRIPTION)
        self.spawn(membership.run())
        self.spawn(self._look_around())
        if self.world.plan.shards > 1:
            self.forwarding = self.spawn(self.driver.forwarding.run())
        self.spawn(self.driver.commit_loop.run())
        self.fetcher = self.spawn(self.consumer._drain_messages(SimpleNamespace(should_stop=False)))
        self.spawn(self.recovery.run())
        self.spawn(self.recovery.slurp())
        for topic, handler, concurrency in self.effects.handlers():
            for _ in range(concurrency):
                self.spawn(self._agent(topic, handler))
        self.spawn(self.effects.outside())

    async def _look_around(self) -> None:
        while not self.services_over:
            await asyncio.sleep(STATUS_INTERVAL_S)
            await self.driver.membership.look()

    async def consumer_topics(self) -> None:
        """Learn which topics exist; the world has created them."""
        for topic in self.broker.infos:
            await self.driver.topics.ensure(topic)

    def spawn(self, coro: Any) -> Any:
        """Run a task of this process; fail the seed when the task ends with an error that would crash a worker."""

        async def guarded() -> Any:
            try:
                return await coro
            except asyncio.CancelledError:
                raise
            except LogUnavailableError as exc:
                if not self.services_over:
                    self.failed(repr(exc))
            except ResizedError as exc:
                self.end(exc)
            except Exception as exc:
                self.failed(f"{exc!r} {traceback.format_tb(exc.__traceback__)[-1]}")

        task = self.loop.create_task(guarded())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def end(self, why: ResizedError) -> None:
        """End because topics have another number of partitions, and start again, as a supervisor does."""
        self.world.crash(self, f"because {why}", back_s=self.world.rng.uniform(0.1, 0.6))

    def failed(self, reason: str) -> None:
        """Fail the seed for an error that no fault explains."""
        if not self.loop.dead:
            self.world.fail(f"{self.member}: {reason}")

    def is_settled(self, generation: int) -> bool:
        """Return whether the worker has its group's newest assignment, has recovered, and has nothing to write."""
        committer = self.driver.committer
        current = self.driver.membership.generation == generation
        current = current and self.consumer_generation_id == self.recovered_generation
        return current and not len(committer.pending) and not committer.is_writing

    async def stop(self) -> None:
        """Stop as planned, in Faust's order: finish events, leave the group, write the rest."""
        self.should_stop = True
        if self.consumer.assignment():
            self.suspend()
            self.fetcher.cancel()
            await self.consumer.wait_empty()
        await self.producer.flush()
        self.services_over = True
        if self.forwarding is not None:
            self.forwarding.cancel()
        await self.driver.membership.leave()
        self.driver.committer.stopping = True
        # The worker then ends with an error, and its successor processes unwritten events again.
        with suppress(LogUnavailableError):
            await self.producer.flush()
        self.driver.committer.drop("the worker stops")
        self.stopped = True

    # --- around a rebalance, as Faust's App does ----------------------------------------------------------------------

    def suspend(self) -> None:
        """Stop delivering, and drop the events that wait in queues."""
        self.consumer.stop_flow()
        self.flow_control.suspend()
        self.consumer.pause_partitions(self.consumer.assignment())
        self.flow_control.clear()

    def resume(self) -> None:
        """Resume delivery."""
        self.flow_control.resume()
        self.consumer.resume_flow()

    def _start_span_from_rebalancing(self, _name: str) -> Any:
        return nullcontext()

    def on_rebalance_return(self) -> None:
        """Do nothing: the simulation measures nothing."""

    def on_rebalance_start(self) -> None:
        self.rebalancing = True

    async def on_revoked(self, _revoked: set[TP]) -> None:
        if self.should_stop:
            return
        self.recovery.flush()
        if self.consumer.assignment():
            self.suspend()
            await self.consumer.wait_empty()
            await self.producer.flush()
        await asyncio.sleep(0)

    async def on_assigned(self, assigned: set[TP], generation: int) -> None:
        if self.should_stop:
            return
        self.is_outdated = False
        await asyncio.sleep(0)
        self.consumer.pause_partitions(assigned)
        await asyncio.sleep(0)
        await self.store.on_rebalance(assigned, set(), assigned, generation)
        await asyncio.sleep(0)
        self.recovery.on_rebalance(assigned, generation)

    # --- delivery, as Faust's conductor and streams do ----------------------------------------------------------------

    async def on_message(self, message: Any) -> None:
        """Put a message into its agent's queue."""
        await self.flow_control.acquire()
        queue, tp = self.queues[message.topic], message.tp
        message.incref(1)
        if queue.full():
            await asyncio.wait([asyncio.ensure_future(queue.put(self.event(message)))])
            return
        queue.put_nowait_enhanced(
            self.event(message),
            on_pressure_high=lambda: self.consumer.on_buffer_full(tp),
            on_pressure_drop=self.pressure_drop(tp),
        )

    def event(self, message: Any) -> Event:
        """Wrap a message as an agent receives it."""
        return Event(message, self)

    def pressure_drop(self, tp: TP) -> PressureDrop:
        """Return the callback for a queue that has capacity again for a partition."""
        return PressureDrop(SUBSCRIPTION.index(tp.topic) * 100 + tp.partition, self.consumer, tp)

    async def _agent(self, topic: str, handler: Callable[[Event], Any]) -> None:
        queue, records_max = self.queues[topic], self.world.plan.batch_records_max
        stream = SimulatedStream(self, queue)
        if records_max:
            queue.needs = needs_of(topic, self.world.plan)
            async for batch in stream._batches(BatchSize(records_max, records_max * ROW_US * 4), queue.needs):
                await self._work(batch._message, list(batch), handler, batch)
        else:
            async for event in stream._each(lambda event: event):
                await self._work(event.message, [event], handler)

    async def _work(self, message: Any, events: list[Any], handler: Callable[[Event], Any], batch: Any = None) -> None:
        generation = self.driver.membership.generation
        if batch is not None:
            self.batches[batch.topic] = batch
        self.broker.checks.on_begun(self, generation, [event.message for event in events])
        try:
            for event in events:
                await handler(event)
        except OutputDroppedError as exc:
            # The partition was handed over meanwhile, or the event depends on a dropped one. Faust acks such an event,
            # too.
            if batch is not None:
                batch.split(exc)
        except TransientError as exc:
            if batch is None or not batch.split(exc):
                await self._on_error(SimpleNamespace(name=message.topic), exc)
        else:
            if message.generation_id != GENERATION_NONE:
                for event in events:
                    self.broker.checks.on_finished(self.member, generation, event.message)
