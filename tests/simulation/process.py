"""A worker process: the production driver (consumer, coordinator, committer, producer, store) without Faust's App.

The classes here replace only how Faust builds and starts services; every decision of the protocol is the driver's own
code. What Faust itself does around a rebalance is retold in `Process` and `recovery.py`, in Faust's order.
"""

from __future__ import annotations

import asyncio
import traceback
import weakref
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from faust.streams import _current_event
from faust.types import TP
from mode.utils.queues import FlowControlEvent, ThrowableQueue
from redis.exceptions import RedisError

from streams.driver.committer import Committer, OutputDroppedError
from streams.driver.consumer import Consumer
from streams.driver.coordinator import Coordinator
from streams.driver.failures import Failures
from streams.driver.heartbeat import Standing
from streams.driver.producer import Buffer, Producer
from streams.driver.transport import Transport
from streams.log import LogUnavailableError
from streams.log.scripts import GROUP
from tests.simulation.disk import OpenDisk, SimulatedStore
from tests.simulation.network import Client, SimulatedLog
from tests.simulation.recovery import Recovery
from tests.simulation.topology import CHANGELOG, GROUP_NAME, NAMESPACE, SUBSCRIPTION, TABLE, Effects

if TYPE_CHECKING:
    from tests.simulation.world import World

QUEUE_RECORDS_MAX = 6
"""Events waiting for one agent; small, so that queues do fill up."""

ROOM_POLL_S = 0.15
"""How often a consumer with nothing to fetch looks again."""


class Silent:
    """A logger that says nothing."""

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_args, **_kwargs: None


async def wait_first(*waits: Any, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as mode has it
    """As `mode.Service.wait_first`: the first to finish; the others are cancelled."""
    futures = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(futures, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in futures:
            if not future.done():
                future.cancel()
    for future in futures:
        if future.done() and not future.cancelled():
            future.result()


class _Service:
    """What the driver's services use of `mode.Service`."""

    log: Any = Silent()
    diag: Any = Silent()
    process: Process

    @property
    def should_stop(self) -> bool:
        return self.process.services_over

    async def wait_first(self, *waits: Any, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await wait_first(*waits, timeout=timeout)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def crash(self, reason: BaseException) -> None:
        self.process.failed(f"a service crashed: {reason!r}")


class SimulatedTransport(Transport):
    """The production transport, with the log's client put in."""

    def __init__(self, process: Process, log: SimulatedLog) -> None:
        self.app = process  # type: ignore[assignment]
        self.member = process.member
        self._opened = True
        self._stores = None
        self.failures = Failures(self)
        self.broker = log
        self.committer = Committer(self, process.world.plan.commit_records_max)

    async def open(self) -> None:
        """Always open."""


class SimulatedConsumer(_Service, Consumer):  # type: ignore[misc]
    """The production consumer."""

    def __init__(self, process: Process, transport: SimulatedTransport) -> None:
        self.process = process
        self.app = process  # type: ignore[assignment]
        self.transport = self.redis_transport = transport
        self.loop = process.loop
        self.callback = process.on_message
        self.committer = transport.committer
        self.watermarks = self.committer.watermarks
        self._assigned: set[TP] = set()
        self._positions = {}
        self._ends = {}
        self._held = {}
        self._seeks = 0
        self._holding = True
        self._handovers = 0
        self._commit_took_s = 0.0
        self._pressure_dropped = asyncio.Event()
        self._gap = defaultdict(int)
        self._acked = defaultdict(list)
        self._acked_index = defaultdict(set)
        self._read_offset = defaultdict(lambda: None)
        self._committed_offset = defaultdict(lambda: None)
        self._unacked_messages = set()
        self._waiting_for_ack = None
        self._n_acked = 0
        self._on_message_in = lambda *_: None
        self._on_partitions_revoked = process.on_revoked
        self._on_partitions_assigned = process.on_assigned  # type: ignore[assignment]
        self._time_start = 0.0
        self.can_resume_flow = asyncio.Event()
        self.suspend_flow = asyncio.Event()
        self.not_waiting_next_records = asyncio.Event()
        self._reset_state()
        self.flow_active = False

    async def _wait_for_room(self) -> None:
        # The driver looks every 20 ms; most of a seed would be spent on that.
        self._pressure_dropped.clear()
        await self.wait_first(self._pressure_dropped.wait(), timeout=ROOM_POLL_S)


class SimulatedCoordinator(_Service, Coordinator):  # type: ignore[misc]
    """The production coordinator."""

    def __init__(self, process: Process, consumer: SimulatedConsumer) -> None:
        self.process = process
        self.consumer = consumer
        self.app = process  # type: ignore[assignment]
        self.transport = consumer.redis_transport
        self.member = process.member
        self.generation = 0
        self.topics = frozenset()
        self._standing = None
        self._changed = asyncio.Event()
        self._subscription_changed = False
        self._synced = 0
        self._holds = False
        self._installed = 0
        self._heartbeat = None
        self._published = ""

    def _start_heartbeat(self) -> None:
        if self._heartbeat is None:
            heartbeat = Heartbeat(self.process, self._report)
            self._heartbeat = heartbeat  # type: ignore[assignment]


class SimulatedProducer(_Service, Producer):  # type: ignore[misc]
    """The production producer."""

    def __init__(self, process: Process, transport: SimulatedTransport) -> None:
        self.process = process
        self.app = process  # type: ignore[assignment]
        self.transport = transport
        self._flushing = None

    def add_future(self, coro: Any) -> Any:
        return self.process.spawn(coro)


class Heartbeat:
    """Stands for the heartbeat thread: beats at an interval and at every notice."""

    def __init__(self, process: Process, report: Callable[[Standing], None]) -> None:
        self._process, self._report = process, report
        self._over = False
        self._notice = asyncio.Event()
        self._client = Client(process.world.network, process.member, process.loop)
        process.world.network.listeners[process.member] = lambda: process.loop.turn(self._notice.set)
        process.spawn(self._run())

    def end(self) -> None:
        self._over = True

    async def _run(self) -> None:
        interval_s = self._process.conf.broker_heartbeat_interval
        key = self._process.transport.broker.keys.group(GROUP_NAME)
        while not self._over:
            self._notice.clear()
            try:
                reply = await self._client.execute_command(
                    "EVALSHA", GROUP.digest, 1, key, "heartbeat", self._process.member
                )
                self._report(Standing.of(reply))
            except RedisError:
                await asyncio.sleep(min(1.0, interval_s))
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._notice.wait(), interval_s)


class Assignor:
    """Co-partitioned assignment: partition p of every topic goes to one member, drawn from the seed."""

    def __init__(self, world: World) -> None:
        self._world = world

    def metadata(self, topics: set[str]) -> Any:
        return ConsumerProtocolMemberMetadata(0, sorted(topics), b"")

    def assign(self, cluster: Any, members: dict[str, Any]) -> dict[str, Any]:
        rng, names = self._world.rng, sorted(members)
        topics = sorted({topic for metadata in members.values() for topic in metadata.subscription})
        if not names:
            return {}  # all were evicted meanwhile
        owner = {p: rng.choice(names) for p in range(self._world.plan.partitions)}
        return {
            name: ConsumerProtocolMemberAssignment(
                0, [(topic, [p for p in owner if owner[p] == name]) for topic in topics], b""
            )
            for name in names
        }

    def on_assignment(self, assignment: Any) -> None:
        """Nothing to remember."""


@dataclass(eq=False)
class Event:
    """What an agent receives."""

    message: Any


@dataclass(frozen=True)
class PressureDrop:
    """Tells the consumer that a queue has room again. Queues keep these in a set: their hash is not left to chance."""

    number: int
    consumer: Any = field(compare=False)
    tp: TP = field(compare=False)

    def __call__(self) -> None:
        self.consumer.on_buffer_drop(self.tp)


class Process:
    """One life of a worker. Stands where the driver expects Faust's `App`."""

    client_only = False

    def __init__(self, world: World, name: str, life: int) -> None:
        self.world = world
        self.member = f"{name}.{life}"
        self.loop = world.new_loop(self)
        self.should_stop = False
        self.services_over = False
        self.stopped = False
        self.in_recovery = False
        self.rebalancing = True
        self.consumer_generation_id = 0
        self.recovered_generation = 0
        self.sent_outside: list[bytes] = []
        self.tasks: set[Any] = set()
        self.conf: Any = SimpleNamespace(
            id=GROUP_NAME,
            topic_allow_declare=False,
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=world.plan.lease_s,
            broker_heartbeat_interval=world.plan.lease_s / 3.5,
            broker_rebalance_timeout=world.plan.rebalance_s,
        )
        self.tables: Any = {TABLE: None}
        self.topics: Any = SimpleNamespace(acks_enabled_for=lambda topic: topic != CHANGELOG, _tp_index={})
        self.monitor: Any = SimpleNamespace(on_tp_commit=lambda _offsets: None)
        self.agents: Any = SimpleNamespace(human_tracebacks=lambda: "")
        self.assignor = Assignor(world)

    # --- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Build and start everything, as a worker's start does."""
        self.loop.turn(self._start)

    def _start(self) -> None:
        world = self.world
        client = Client(world.network, self.member, self.loop)
        self.transport = SimulatedTransport(self, SimulatedLog(client, NAMESPACE))
        self.producer = SimulatedProducer(self, self.transport)
        self.consumer = SimulatedConsumer(self, self.transport)
        self.coordinator = self.consumer.coordinator = SimulatedCoordinator(self, self.consumer)
        self.buffer = Buffer.__new__(Buffer)
        self.buffer.producer, self.buffer.max_messages = self.producer, world.plan.outbox_records_max
        disk = OpenDisk(
            world.disks[self.member.partition(".")[0]],
            before_write=lambda: world.may_write(self),
            after_write=lambda table, partition: world.checks.on_disk_write(self, table, partition),
        )
        self.store = SimulatedStore(self, TABLE, CHANGELOG, disk)
        table = SimpleNamespace(changelog_topic=self.store.table.changelog_topic, data=self.store)
        self.flow_control = FlowControlEvent(initially_suspended=True)
        self.queues: dict[str, Any] = {
            topic: ThrowableQueue(QUEUE_RECORDS_MAX, flow_control=self.flow_control, clear_on_resume=True)
            for topic in (*SUBSCRIPTION,)
        }
        self.recovery = Recovery(self, self.queues[CHANGELOG])
        self.tables = SimpleNamespace(values=lambda: [table], changelog_topics={CHANGELOG}, recovery=self.recovery)
        self.effects = Effects(self)
        self.spawn(self._live())

    async def _live(self) -> None:
        await self.consumer_topics()
        for topic, queue in self.queues.items():
            channel = SimpleNamespace(queue=queue)
            for p in range(self.world.plan.partitions):
                self.topics._tp_index[TP(topic, p)] = (channel,)
        self.coordinator.subscribe(SUBSCRIPTION)
        self.spawn(type(self.coordinator)._membership.fun(self.coordinator))
        self.spawn(type(self.consumer)._commit_continuously.fun(self.consumer))
        self.fetcher = self.spawn(self.consumer._drain_messages(SimpleNamespace(should_stop=False)))
        self.spawn(self.recovery.run())
        self.spawn(self.recovery.slurp())
        for topic, handler, concurrency in self.effects.handlers():
            for _ in range(concurrency):
                self.spawn(self._agent(self.queues[topic], handler))
        self.spawn(self.effects.outside())

    async def consumer_topics(self) -> None:
        """Learn what topics there are; the world has created them."""
        for topic in self.world.topics:
            await self.transport.ensure_topic(topic)

    def spawn(self, coro: Any) -> Any:
        """Run a task of this process; an error that nobody handles would crash a worker, and is a failed seed here."""

        async def guarded() -> Any:
            try:
                return await coro
            except asyncio.CancelledError:
                raise
            except LogUnavailableError as exc:
                if not self.services_over:
                    self.failed(repr(exc))
            except Exception as exc:
                self.failed(f"{exc!r} {traceback.format_tb(exc.__traceback__)[-1]}")

        task = self.loop.create_task(guarded())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def failed(self, reason: str) -> None:
        """Something in this process went wrong that no fault excuses."""
        if not self.loop.dead:
            self.world.fail(f"{self.member}: {reason}")

    def is_settled(self, generation: int) -> bool:
        """Whether it is up to date with its group, has recovered, and has nothing to write."""
        committer = self.transport.committer
        current = self.coordinator.generation == generation
        current = current and self.consumer_generation_id == self.recovered_generation
        return current and not len(committer.outbox) and not committer._lock.locked()

    async def stop(self) -> None:
        """A planned stop, in Faust's order: finish, leave the group, write the rest."""
        self.should_stop = True
        if self.consumer.assignment():
            self.suspend()
            self.fetcher.cancel()
            await self.consumer.wait_empty()
        await self.producer.flush()
        self.services_over = True
        await self.coordinator.on_stop()
        self.transport.committer.stopping = True
        with suppress(LogUnavailableError):  # it then ends with an error; what was not written is processed again
            await self.producer.flush()
        self.transport.committer.drop("the worker stops")
        self.stopped = True

    # --- around a rebalance, as Faust's App does ----------------------------------------------------------------------

    def suspend(self) -> None:
        """Stop delivering, and forget what waits in queues."""
        self.consumer.stop_flow()
        self.flow_control.suspend()
        self.consumer.pause_partitions(self.consumer.assignment())
        self.flow_control.clear()

    def resume(self) -> None:
        """Deliver again."""
        self.flow_control.resume()
        self.consumer.resume_flow()

    def _start_span_from_rebalancing(self, _name: str) -> Any:
        return nullcontext()

    def on_rebalance_return(self) -> None:
        """Nothing is measured."""

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
        await asyncio.sleep(0)
        self.consumer.pause_partitions(assigned)
        await asyncio.sleep(0)
        await self.store.on_rebalance(assigned, set(), assigned, generation)
        await asyncio.sleep(0)
        self.recovery.on_rebalance(assigned, generation)

    # --- delivery, as Faust's conductor and streams do ----------------------------------------------------------------

    async def on_message(self, message: Any) -> None:
        """Hand a message to its agent's queue."""
        await self.flow_control.acquire()
        await self.buffer.wait_until_ebb()
        queue, tp = self.queues[message.topic], message.tp
        message.incref(1)
        if queue.full():
            await asyncio.wait([asyncio.ensure_future(queue.put(Event(message)))])
            return
        queue.put_nowait_enhanced(
            Event(message),
            on_pressure_high=lambda: self.consumer.on_buffer_full(tp),
            on_pressure_drop=PressureDrop(SUBSCRIPTION.index(tp.topic) * 100 + tp.partition, self.consumer, tp),
        )

    async def _agent(self, queue: Any, handler: Callable[[Event], Any]) -> None:
        while True:
            await asyncio.sleep(0)
            event = await queue.get() if queue.empty() else queue.get_nowait()
            message = event.message
            if self.flow_control.is_active() and message.generation_id == self.consumer_generation_id:
                message.tracked = True
                self.consumer.track_message(message)
                generation = self.coordinator.generation
                _current_event.set(weakref.ref(event))
                try:
                    await handler(event)
                except OutputDroppedError:
                    pass  # its partition was handed over meanwhile; Faust acks what raised, too
                else:
                    self.world.checks.on_finished(self.member, generation, message)
            message.ack(self.consumer)
