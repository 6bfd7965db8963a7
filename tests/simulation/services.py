"""The driver's adapters without Faust's service machinery: the simulation replaces only how they are built and started.

Every decision of the protocol is made by the driver's own code.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from faust.types import TP
from faust_redis.driver.commit.committer import CommitLimits
from faust_redis.driver.commit.row_writes import Clock
from faust_redis.driver.delivery.direct_queues import DirectQueue
from faust_redis.driver.faust_api.composition import Driver, Environment, compose
from faust_redis.driver.faust_api.consumer import Consumer
from faust_redis.driver.faust_api.producer import Producer
from faust_redis.driver.faust_api.stream import Stream
from faust_redis.driver.limits import ROW_US, RUN_RECORDS_MAX
from faust_redis.log import LogUnavailableError, MemberState, ResizedError, Shard
from faust_redis.log.groups import Groups
from faust_redis.log.transit import Transit
from faust_redis.testing.client import SimulatedLog

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

TURN_OVER = 0.4
"""How likely an agent's turn is over before its next event."""

ROOM_POLL_S = 0.15
"""How often a consumer with nothing to fetch looks again."""


class Silent:
    """A logger that drops every message."""

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_args, **_kwargs: None


class NoSensors:
    """The sensors of an app that has none."""

    def __iter__(self) -> Any:
        return iter(())

    def on_commit_initiated(self, _consumer: Any) -> None:
        """Do nothing: the simulation measures nothing."""

    def on_commit_completed(self, _consumer: Any, _state: Any) -> None:
        """Do nothing: the simulation measures nothing."""


class _Service:
    """The part of `mode.Service` that the driver's adapters use."""

    log: Any = Silent()
    diag: Any = Silent()
    process: Process

    @property
    def should_stop(self) -> bool:
        return self.process.services_over

    async def crash(self, reason: BaseException) -> None:
        if isinstance(reason, ResizedError):
            self.process.end(reason)
        else:
            self.process.failed(f"a service crashed: {reason!r}")

    def add_future(self, coro: Any) -> Any:
        return self.process.spawn(coro)


def name_writers(transit: Transit, member: str, now_ms: Callable[[], int]) -> None:
    """Number the writers of parcels, so that a seed plays the same way each time; no other life has these names."""
    numbers = count(1)
    transit.now_ms = now_ms  # type: ignore[method-assign]
    transit.new_name = lambda: f"{now_ms():x}-{member}/{next(numbers)}"  # type: ignore[method-assign]


def simulated_driver(process: Process, log: SimulatedLog, others: Mapping[int, SimulatedLog]) -> Driver:
    """Return the production driver for a process, with a virtual clock and the plan's limits."""
    plan = process.world.plan
    numbers = iter(range(1, 1_000_000))

    def new_writer() -> bytes:
        """Return a numbered writer name, so that a seed plays the same way each time."""
        return f"{process.member}/{next(numbers)}".encode()

    async def opened() -> None:
        """Return true: the connection is always open."""

    environment = Environment(
        Clock(lambda: 0, new_writer),
        CommitLimits(plan.commit_records_max * ROW_US, plan.pending_records_max),
        SimulatedDirectQueues(process),
        NoStandbys(),
    )
    dead_letters = f"{process.conf.id}-dead-letters"
    driver = compose(process, log, process.member, dead_letters, opened, environment, others=others)
    driver.in_flight.unacked = set()  # A weak set iterates in the order of memory addresses.
    return driver


def _as_it_is(key: bytes | None, value: bytes | None) -> tuple[Any, Any]:
    return key, value


class SimulatedDirectQueues:
    """Direct queues that feed the queues of a process without decoding."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._known: dict[TP, DirectQueue] = {}

    def of(self, tp: TP, _channels: Any) -> DirectQueue | None:
        process = self._process
        if not process.world.plan.direct_queues or tp.topic not in process.queues:
            return None
        if tp not in self._known:
            consumer, queue = process.consumer, process.queues[tp.topic]
            on_room = process.pressure_drop(tp)
            self._known[tp] = DirectQueue(process, tp, queue, _as_it_is, consumer.on_buffer_full, on_room)
        return self._known[tp]


class SimulatedStream(Stream):
    """The production stream, without Faust's service below it."""

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
        if self.app.world.plan.batch_records_max:
            self.channel.queue.run_records_max = RUN_RECORDS_MAX
        self._turn_over_s = float("inf")
        self._begin(self.app.driver, self.channel.queue)
        yield

    async def _wait(self) -> Any:
        event = await super()._wait()
        self._turn_over_s = float("inf")  # The machine's clock must not decide how a seed plays.
        return event

    def _pop(self) -> Any:
        # A turn ends after some milliseconds, and virtual time does not advance during one.
        return None if self.app.world.rng.random() < TURN_OVER else super()._pop()


class SimulatedConsumer(_Service, Consumer):
    """The production consumer."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.app = process  # type: ignore[assignment]
        self.loop = process.loop
        self.callback = process.on_message
        self._read_offset = defaultdict(lambda: None)
        self._committed_offset = defaultdict(lambda: None)
        self._on_partitions_revoked = process.on_revoked
        self._on_partitions_assigned = process.on_assigned  # type: ignore[assignment]
        self._time_start = 0.0
        self.can_resume_flow = asyncio.Event()
        self.suspend_flow = asyncio.Event()
        self.not_waiting_next_records = asyncio.Event()
        self._reset_state()
        self.flow_active = False
        self.adopt(process.driver)


class NoStandbys:
    """Standbys of a worker that has none."""

    followed: frozenset[TP] = frozenset()

    def take(self, assigned: set[TP]) -> None:
        """Do nothing: there are no standbys."""

    def follow(self) -> None:
        """Do nothing: there are no standbys."""

    async def leave(self) -> None:
        """Do nothing: there are no standbys."""


class SimulatedProducer(_Service, Producer):
    """The production producer."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.app = process  # type: ignore[assignment]
        self.adopt(process.driver)


class Heartbeat:
    """A replacement for the heartbeat thread: it sends a heartbeat at an interval and at every notice."""

    def __init__(self, process: Process, beat: Callable[[], Any], report: Callable[[MemberState], None]) -> None:
        self._process, self._beat, self._report = process, beat, report
        self._over = False
        self._notice = asyncio.Event()
        process.broker.network.listeners[process.member] = lambda: process.loop.turn(self._notice.set)
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
    """The production client of groups.

    A task of the process sends its heartbeats, instead of a thread.
    """

    def __init__(self, process: Process, log: SimulatedLog) -> None:
        super().__init__(log)
        self._process = process

    def start_heartbeat(
        self, group: str, member: str, *, interval_s: float, stuck_s: float, report: Callable[[MemberState], None]
    ) -> Heartbeat:
        return Heartbeat(self._process, lambda: self.heartbeat(group, member), report)


class Assignor:
    """Co-partitioned assignment: partition p of every topic goes to one member, drawn from the seed."""

    def __init__(self, world: World, shard: Shard) -> None:
        self._world = world
        del shard

    def metadata(self, topics: set[str]) -> Any:
        return ConsumerProtocolMemberMetadata(0, sorted(topics), b"")

    def assign(self, cluster: Any, members: dict[str, Any]) -> dict[str, Any]:
        rng, names = self._world.rng, sorted(members)
        topics = sorted({topic for metadata in members.values() for topic in metadata.subscription})
        if not names:
            return {}  # All members were evicted meanwhile.
        places = {topic: cluster.partitions_for_topic(topic) for topic in topics}
        owner = {p: rng.choice(names) for p in range(max(map(len, places.values())))}
        return {
            name: ConsumerProtocolMemberAssignment(
                0, [(topic, [p for p in places[topic] if owner[p] == name]) for topic in topics], b""
            )
            for name in names
        }

    def on_assignment(self, assignment: Any) -> None:
        """Do nothing: the assignor keeps no state."""

    def is_standby(self, _tp: TP) -> bool:
        """Return false: there are no standbys."""
        return False
