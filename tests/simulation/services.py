"""The driver's services without Faust's service machinery: only how they are built and started is replaced.

Every decision of the protocol is the driver's own code.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from faust.types import TP
from faust_redis.driver.committer import Committer
from faust_redis.driver.consumer import Consumer
from faust_redis.driver.coordinator import Coordinator
from faust_redis.driver.direct_queues import DirectQueue
from faust_redis.driver.failures import Failures
from faust_redis.driver.limits import ROW_US, RUN_RECORDS_MAX
from faust_redis.driver.memory import MemoryTables
from faust_redis.driver.producer import Producer
from faust_redis.driver.restore import Restorer
from faust_redis.driver.stream import Stream
from faust_redis.driver.transport import Transport
from faust_redis.driver.waits import Waits
from faust_redis.log import LogUnavailableError, MemberState
from faust_redis.log.groups import Groups
from faust_redis.testing.client import SimulatedLog

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

TURN_OVER = 0.4
"""How likely an agent's turn is over before its next event."""

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
        self._writers = 0
        self._stores = None
        self.failures = Failures(self)
        self.memory = MemoryTables(self)
        self.restorer = Restorer(self)
        self.broker = log
        log.groups = SimulatedGroups(process, log)
        self.committer = Committer(
            self, process.world.plan.commit_records_max * ROW_US, process.world.plan.pending_records_max
        )

    async def open(self) -> None:
        """Always open."""

    def now_ms(self) -> int:
        """Virtual time."""
        return 0

    def new_writer(self) -> bytes:
        """Names are numbered, so that a seed plays the same way each time."""
        self._writers += 1
        return f"{self.member}/{self._writers}".encode()


def _as_it_is(key: bytes | None, value: bytes | None) -> tuple[Any, Any]:
    return key, value


class SimulatedDirectQueues:
    """DirectQueues into the queues of a process; without decoding."""

    def __init__(self, process: Process, consumer: SimulatedConsumer) -> None:
        self._process = process
        self._direct_queues = {
            tp: DirectQueue(process, tp, queue, _as_it_is, consumer.on_buffer_full, process.pressure_drop(tp))
            for topic, queue in process.queues.items()
            for tp in (TP(topic, p) for p in range(process.world.plan.partitions))
        }

    def of(self, tp: TP, _channels: Any) -> DirectQueue | None:
        return self._direct_queues.get(tp) if self._process.world.plan.direct_queues else None


class SimulatedStream(Stream):
    """The production stream, without Faust's service under it."""

    def __init__(self, process: Process, queue: Any) -> None:
        self.app: Any = process
        self.channel: Any = SimpleNamespace(queue=queue, __anext__=queue.get)
        self.events_total = 0
        self.current_event = None

    @property
    def should_stop(self) -> bool:
        return False

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        self._queue = self.channel.queue
        if self.app.world.plan.batch_records_max:
            self._queue.run_records_max = RUN_RECORDS_MAX
        self._turn_over_s = float("inf")
        self._committer = self._consumer.committer
        self._runner = self._consumer.runner()
        yield

    async def _wait(self) -> Any:
        event = await super()._wait()
        self._turn_over_s = float("inf")  # the machine's own clock must not decide how a seed plays
        return event

    def _pop(self) -> Any:
        # A turn is over after some milliseconds; virtual time stands still meanwhile.
        return None if self.app.world.rng.random() < TURN_OVER else super()._pop()


class SimulatedConsumer(_Service, Consumer):  # type: ignore[misc]
    """The production consumer."""

    def __init__(self, process: Process, transport: SimulatedTransport) -> None:
        self.process = process
        self.app = process  # type: ignore[assignment]
        self.transport = self.redis_transport = transport
        self.loop = process.loop
        self.callback = process.on_message
        self.committer = transport.committer
        self.tracker = self.committer.tracker
        self._assigned: set[TP] = set()
        self._positions = {}
        self._ends = {}
        self._held = {}
        self._seeks = 0
        self._holding = True
        self._handovers = 0
        self._commit_took_s = 0.0
        self._gathering = None
        self._pressure_dropped = asyncio.Event()
        self._interrupted = None
        self._direct_queues: Any = None
        self.alone = set()
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

    def add_future(self, coro: Any) -> Any:
        return self.process.spawn(coro)

    async def _wait_for_room(self) -> None:
        # The driver looks every 20 ms; most of a seed would be spent on that.
        self._pressure_dropped.clear()
        await self.wait_first(self._pressure_dropped.wait(), timeout=ROOM_POLL_S)


class NoStandbys:
    """No replicas are simulated."""

    taken: frozenset[TP] = frozenset()

    def take(self, assigned: set[TP]) -> None:
        """None."""

    def follow(self) -> None:
        """None."""

    async def leave(self) -> None:
        """None."""


class SimulatedCoordinator(_Service, Coordinator):  # type: ignore[misc]
    """The production coordinator."""

    def __init__(self, process: Process, consumer: SimulatedConsumer) -> None:
        self.process = process
        self.consumer = consumer
        self.app = process  # type: ignore[assignment]
        self.transport = consumer.redis_transport
        self.member = process.member
        self.standbys: Any = NoStandbys()
        self.generation = 0
        self.topics = frozenset()
        self._member_state = None
        self._changed = asyncio.Event()
        self._subscription_changed = False
        self._synced = 0
        self._holds = False
        self._installed = 0
        self._heartbeat = None
        self._published = ""
        self.transport.committer.fencing.on_fenced(self._changed.set)


class SimulatedProducer(_Service, Producer):  # type: ignore[misc]
    """The production producer."""

    def __init__(self, process: Process, transport: SimulatedTransport) -> None:
        self.process = process
        self.app = process  # type: ignore[assignment]
        self.transport = transport
        self._flushing = None
        self._compacted = {}
        self.waits = Waits(transport.committer)

    def add_future(self, coro: Any) -> Any:
        return self.process.spawn(coro)


class Heartbeat:
    """Stands for the heartbeat thread: beats at an interval and at every notice."""

    def __init__(self, process: Process, beat: Callable[[], Any], report: Callable[[MemberState], None]) -> None:
        self._process, self._beat, self._report = process, beat, report
        self._over = False
        self._notice = asyncio.Event()
        process.world.network.listeners[process.member] = lambda: process.loop.turn(self._notice.set)
        process.spawn(self._run())

    def end(self) -> None:
        self._over = True

    async def _run(self) -> None:
        interval_s = self._process.conf.broker_heartbeat_interval
        while not self._over:
            self._notice.clear()
            try:
                self._report(await self._beat())
            except LogUnavailableError:
                await asyncio.sleep(min(1.0, interval_s))
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._notice.wait(), interval_s)


class SimulatedGroups(Groups):
    """The production client of groups; heartbeats come from a task of the process, not from a thread."""

    def __init__(self, process: Process, log: SimulatedLog) -> None:
        super().__init__(log)
        self._process = process

    def start_heartbeat(
        self, group: str, member: str, *, interval_s: float, stuck_s: float, report: Callable[[MemberState], None]
    ) -> Heartbeat:
        return Heartbeat(self._process, lambda: self.heartbeat(group, member), report)


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

    def is_standby(self, _tp: TP) -> bool:
        """There are no standbys here."""
        return False
