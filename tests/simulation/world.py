"""One seed: draw a plan of workers, inputs, delays and faults; play it to its end; check the invariants."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from unittest.mock import patch

from faust_redis.log import forwarding, transit
from faust_redis.log.records import StoredRecord
from faust_redis.log.scripts import COMMIT
from faust_redis.testing.loop import Agenda, ProcessLoop, process_loop

from tests.simulation import brokers, needs, order_checks, resizing
from tests.simulation.brokers import Broker, Home
from tests.simulation.defects import DEFECTS
from tests.simulation.disk import Disk
from tests.simulation.inputs import Inputs
from tests.simulation.plan import Plan
from tests.simulation.process import Process
from tests.simulation.resizing import Operator, Resizes
from tests.simulation.topology import Content, check_content, topics
from tests.simulation.transit_checks import TransitChecks

DRAIN_S = 90.0
"""Virtual time after the last fault within which all lag must be gone."""

LATE_S = 6.0
"""How long after all other faults a shard is restored in some worlds, when little or nothing is under way."""

LONG_S = 13.0
"""How long some worlds rest before more inputs come, so that writers of parcels are forgotten."""

WRITER_LIFE_MS, FORGET_AFTER_MS = 500, 12_000
"""The virtual lives of writers: a write may be late by 4 s, and a broker may be restored to its state 6.5 s before."""

REST_US = 800_000
"""How long everything must have been processed before a world is taken to be at rest."""

STEPS_MAX = 200_000
"""Steps of one seed; more is a world that never rests."""

FAULTS = ("crash", "pause", "stop", "add", "server", "trim", "rollback")
FAULTS_OF_SHARDS = (*FAULTS, "freeze")
FORGOTTEN = "forgotten writers"

RELAPSES = 0.25
"""In how many worlds the server goes back to a moment that is just over."""
AGAIN = 0.4
"""How many workers crash after a long rest."""
EPOCH_MS = 1_700_000_000_000


class FailedError(Exception):
    """An invariant does not hold."""


@dataclass
class World:
    """The state of one simulated world."""

    seed: int
    flaws: frozenset[str] = frozenset()
    trace: Callable[[str], None] | None = None
    steps: int = 0
    faults: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        plan = replace(Plan.draw(self.rng), ordered_reads=order_checks.draw(self.seed))
        self.plan = resizing.draw(self.seed, brokers.draw(self.seed, needs.draw(self.seed, plan)))
        self.home = Home(self.plan.shards)
        self.agenda = Agenda(self.rng)
        self.brokers = [Broker(self, number) for number in range(self.plan.shards)]
        self.transit = TransitChecks(self)
        self.resizes = Resizes(self)
        self.faulty = True
        self.topics = [spec.name for spec in topics(self.plan.partitions)]
        self.disks: dict[str, Disk] = {}
        self.processes: dict[str, Process] = {}
        self.past: list[Process] = []
        self.inputs = Inputs(self)
        self._lives = 0
        self._awaits_fault = self.plan.late_rollback
        self._rests_long = self.plan.long_rest
        self._failure: str | None = None

    # --- services for the other modules -------------------------------------------------------------------------------

    def now_ms(self) -> int:
        """Return the server's clock."""
        return EPOCH_MS + self.agenda.now_us // 1000

    def new_loop(self, process: Process | Operator) -> ProcessLoop:
        """Return a loop whose unhandled errors fail the seed."""
        on_error = lambda text: self.fail(f"{process.member}: {text}")  # noqa: E731
        return process_loop(self.agenda, on_error)

    def fail(self, reason: str) -> None:
        """Fail the seed for a broken invariant; only the first counts."""
        self.say(f"FAILED: {reason}")
        self._failure = self._failure or reason

    def say(self, text: str) -> None:
        """Add a line to the trace."""
        if self.trace is not None:
            self.trace(f"{self.agenda.now_us / 1e6:10.6f}  {text}")

    def may_write(self, process: Process) -> bool:
        """Return whether a process may still write to its disk; some processes crash at this point."""
        if self.faulty and self.rng.random() < self.plan.crash_at_write:
            self.crash(process, "at a disk write")
        return not process.loop.dead

    def running(self) -> list[Process]:
        """Return the processes that are up."""
        return [process for process in self.processes.values() if not process.loop.dead]

    def content(self, topic: str) -> list[list[tuple[bytes, bytes | None]]]:
        """Return the keys and values of a topic by partition."""
        return [
            [(record.key or b"", record.value) for record in self.history(topic, p)] for p in range(self.plan.places)
        ]

    def broker_of(self, partition: int) -> Broker:
        """Return the broker that holds a partition."""
        return self.brokers[partition % self.plan.shards]

    def history(self, topic: str, partition: int) -> list[StoredRecord]:
        """Return every record of a partition that was ever appended."""
        broker = self.broker_of(partition)
        stream = broker.server.streams.get(broker.keys.stream(topic, partition))
        return stream.history if stream else []

    def after_command(self, sender: str, command: tuple[object, ...]) -> None:
        """Crash some processes after a commit, before the reply."""
        if self.faulty and command[0] == "EVALSHA" and command[1] == COMMIT.digest:
            process = next((p for p in self.running() if p.member == sender), None)
            if process is not None and self.rng.random() < self.plan.crash_after_commit:
                self.crash(process, "after its commit, before the reply")

    # --- faults -------------------------------------------------------------------------------------------------------

    def _count(self, fault: str) -> None:
        self.faults[fault] = self.faults.get(fault, 0) + 1

    def start_worker(self, name: str) -> None:
        """Start a new life of a worker on its old disk."""
        if name in self.processes and not self.processes[name].loop.dead:
            raise AssertionError(f"worker {name} runs already: two lives would write to one disk")
        self._lives += 1
        self.disks.setdefault(name, Disk())
        process = self.processes[name] = Process(self, name, self._lives)
        self.say(f"{process.member} starts")
        process.start()

    def _restart_later(self, process: Process, back_s: float | None = None) -> None:
        name = process.member.partition(".")[0]
        self.past.append(process)
        process.broker.network.listeners.pop(process.member, None)
        self.agenda.after(back_s or self.rng.uniform(0.05, 2.5), lambda: self.start_worker(name))

    def crash(self, process: Process, where: str, back_s: float | None = None) -> None:
        """Crash a process at once; only its disk remains."""
        if not process.loop.dead:
            self._count("crash")
            self.say(f"{process.member} crashes {where}")
            process.loop.dead = True
            self._restart_later(process, back_s)

    def pause(self, process: Process) -> None:
        """Pause a process for up to several leases."""
        self._count("pause")
        seconds = self.rng.choice((0.1, 1.0, 2.0)) * self.plan.lease_s * self.rng.uniform(0.5, 1.5)
        self.say(f"{process.member} is paused for {seconds:.3f} s")
        process.loop.paused_until_us = self.agenda.now_us + int(seconds * 1e6)

    def stop(self, process: Process) -> None:
        """Stop a worker as planned, and start it later."""
        if process.should_stop:
            return
        self._count("stop")
        self.say(f"{process.member} stops")

        async def stop() -> None:
            await process.stop()
            process.loop.dead = True
            self.say(f"{process.member} has stopped")
            self._restart_later(process)

        process.loop.turn(lambda: process.spawn(stop()))

    def _one_fault(self) -> None:
        running, several = self.running(), self.plan.shards > 1
        fault = self.rng.choice((*(FAULTS_OF_SHARDS if several else FAULTS), "pause", "rollback"))
        broker = self.rng.choice(self.brokers) if several else self.brokers[0]
        if fault in {"trim", "rollback"}:
            self._happen(broker, fault)
        elif fault == "freeze":
            self._count("freeze")
            broker.freeze()
        elif fault == "server":
            if broker.network.server_is_up:
                self._count("server")
                broker.say("the server restarts")
                broker.network.stop_server(self.rng.choice((0.05, 0.5, 2.0)) * self.rng.uniform(0.5, 1.5))
        elif fault == "add":
            if len(self.disks) < (2 * self.plan.shards + 1 if several else 4):
                self._count("add")
                self.start_worker(f"w{len(self.disks)}")
        elif running:
            process = self.rng.choice(running)
            if fault == "crash":
                self.crash(process, "in mid-air")
            else:
                getattr(self, fault)(process)

    def _happen(self, broker: Broker, fault: str) -> None:
        if broker.storage.happen(fault):
            self._count(fault)

    # --- playing the seed ---------------------------------------------------------------------------------------------

    def _calm(self) -> None:
        self.say("the faults are over")
        self.faulty = False
        for broker in self.brokers:
            broker.calm()

    def _late_rollback(self, broker: Broker) -> None:
        self._awaits_fault = False
        self._happen(broker, "rollback")

    def run(self) -> None:
        """Play the seed and check the invariants.

        Raises:
            FailedError: with the first invariant that did not hold.
        """
        self.say(f"{self.plan}")
        self._schedule(self.plan)
        later_s = LATE_S * self.plan.late_rollback + 2 * LONG_S * self.plan.long_rest
        self._play(until_us=int((self.plan.faulty_s + DRAIN_S + later_s) * 1e6))
        for broker in self.brokers:
            broker.checks.at_the_end()
        self._check_content(self.plan)
        self._judge()

    def _check_content(self, plan: Plan) -> None:
        content: Content = {topic: self.content(topic) for topic in self.topics}
        sent = self.transit.sent(content)
        for wrong in check_content(content, sent, plan):
            self.fail(wrong)
        for wrong in self.transit.at_the_end():
            self.fail(wrong)
        if forgotten := self.transit.forgotten():
            self.faults[FORGOTTEN] = forgotten

    def _schedule(self, plan: Plan) -> None:
        """Create the topics; schedule the starts of workers, the inputs and the faults."""
        for broker in self.brokers:
            broker.create_topics()
        self.resizes.schedule()
        for number in range(plan.workers):
            name = f"w{number}"
            self.disks[name] = Disk()
            self.agenda.after(self.rng.choice((0, 0, 1.0)) * self.rng.random(), partial(self.start_worker, name))
        # In some seeds inputs come in bursts close to the faults, so that the faults meet a full pipeline.
        bursts = [self.rng.uniform(0.5, plan.faulty_s) for _ in range(plan.bursts)]
        for _ in range(plan.inputs):
            self.agenda.after(
                self.rng.choice(bursts) if bursts else self.rng.uniform(0, plan.faulty_s), self.inputs.one
            )
        for _ in range(self.rng.randint(0, 3 + 2 * plan.shards)):
            near, far = self.rng.uniform(0, 0.4), self.rng.uniform(0.2, plan.faulty_s)
            self.agenda.after(min(self.rng.choice(bursts) + near if bursts else far, plan.faulty_s), self._one_fault)
        for broker in self.brokers:
            backup_s = self.rng.uniform(0.2, plan.faulty_s)
            self.agenda.after(backup_s, broker.storage.back_up)
            if self.rng.random() < RELAPSES:  # The restart is so early that leases from before the rollback still run.
                self.agenda.after(
                    min(backup_s + self.rng.uniform(0.05, 0.6), plan.faulty_s),
                    partial(self._happen, broker, "rollback"),
                )
        self.agenda.after(plan.faulty_s, self._calm)
        if plan.late_rollback:  # Its backup is so late that it loses little but what others had sent to it.
            late = self.rng.choice(self.brokers)
            self.agenda.after(plan.faulty_s + self.rng.uniform(-0.5, LATE_S / 3), late.storage.back_up)
            self.agenda.after(plan.faulty_s + LATE_S, partial(self._late_rollback, late))

    def _play(self, until_us: int) -> None:
        rest_us = 0
        while self.agenda.now_us < until_us:
            self.agenda.step()
            self.steps += 1
            if self.steps > STEPS_MAX:
                self.fail("the world never rests")
            self._judge()
            if self.steps % 16:
                continue
            # The world is at rest when all inputs are processed and nothing new came for a while, so that late effects
            # show.
            if self.faulty or self._awaits_fault or self.inputs.waits or not self._is_drained():
                rest_us = self.agenda.now_us
            elif self.agenda.now_us > rest_us + REST_US and self._is_settled():
                if not self._rests_long:
                    return
                self._rest_long()
        for missing in self.transit.missing():
            self.fail(f"{missing} {DRAIN_S:.0f} s after the last fault")
        self.fail(f"not drained {DRAIN_S:.0f} s after the last fault")
        self._judge()

    def _rest_long(self) -> None:
        """Rest for long, then append more inputs. Meanwhile trim the topics, and let some workers crash."""
        self._rests_long = False
        for broker in self.brokers:
            self.agenda.after(LONG_S + 2.0, broker.storage.trim_for_good)
        self.inputs.due += self.plan.inputs
        for _ in range(self.plan.inputs):
            self.agenda.after(LONG_S + self.rng.uniform(0.0, 4.0), self.inputs.one)
        for process in self.running():
            if self.rng.random() < AGAIN:
                self.agenda.after(LONG_S + self.rng.uniform(2.0, 4.0), partial(self.crash, process, "after a rest"))

    def _is_drained(self) -> bool:
        are_drained = all(broker.checks.is_drained() for broker in self.brokers) and self.transit.is_drained()
        return are_drained and self.resizes.is_done()

    def _is_settled(self) -> bool:
        """Return whether all planned stops and starts are over, and every worker has recovered and written its rows.

        Generation numbers recur when the server is rolled back. A worker that slept through the rollback may know the
        right number of another group, of which it is no member.
        """
        groups = {broker.shard: (broker.checks.generation(), broker.checks.members()) for broker in self.brokers}
        return all(
            not process.loop.dead
            and not process.should_stop
            and process.loop.paused_until_us <= self.agenda.now_us
            and (generation := groups[process.broker.shard][0]) > 0
            and process.member in groups[process.broker.shard][1]
            and process.is_settled(generation)
            for process in self.processes.values()
        )

    def _judge(self) -> None:
        if self._failure is not None:
            raise FailedError(self._failure)


@contextmanager
def _collector_off() -> Iterator[None]:
    """Switch the garbage collector off: its timing would decide which weak references still resolve."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def play(seed: int, defect: str | None = None, trace: Callable[[str], None] | None = None) -> World:
    """Play one seed, with a planted defect when one is named.

    Raises:
        FailedError: when an invariant does not hold.
    """
    with ExitStack() as planted:
        planted.enter_context(_collector_off())
        logging.disable(logging.CRITICAL)
        planted.callback(logging.disable, logging.NOTSET)
        planted.enter_context(patch.object(transit, "WRITER_LIFE_MS", WRITER_LIFE_MS))
        planted.enter_context(patch.object(forwarding, "FORGET_AFTER_MS", FORGET_AFTER_MS))
        flaws: frozenset[str] = frozenset()
        if defect is not None:
            flaws = DEFECTS[defect].plant(planted)
        world = World(seed, flaws, trace)
        planted.enter_context(world.resizes.in_virtual_time())
        world.run()
        return world
