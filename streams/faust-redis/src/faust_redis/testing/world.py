"""One simulated world: workers that run a user's app, a broker, a network, and the faults of one seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import faust

from faust_redis.log import Shard
from faust_redis.testing import internals
from faust_redis.testing.clock import Clock, Substitutes
from faust_redis.testing.disk import Disk, OpenDisk
from faust_redis.testing.errors import SimulationError
from faust_redis.testing.loop import Agenda
from faust_redis.testing.network import is_commit
from faust_redis.testing.node import Node, Nodes
from faust_redis.testing.plan import CALM, FAULTS, MORE_OFTEN, WORKERS_MAX, Plan
from faust_redis.testing.records import encode, topic_object
from faust_redis.testing.trace import trace_line
from faust_redis.testing.undisturbed import undisturbed
from faust_redis.testing.view import View
from faust_redis.testing.worker import Place, Worker

START_S = 1_767_225_600.0
DRAIN_S = 120.0
"""Virtual time after the last fault within which everything must be processed."""

READY_MAX_S = 10.0
"""Virtual time after which the faults begin whether the workers are ready or not."""

READY_POLL_S = 0.1

REST_US = 1_000_000
"""How long a world must have nothing to do before its results are checked."""

STEPS_MAX = 500_000
"""The most steps of one seed. A world that needs more never comes to rest."""

Input = tuple[str, Any, Any]
"""A record to append: topic, key and value."""


class World:
    """Play one seed of an app."""

    def __init__(
        self,
        seed: int,
        make_app: Callable[[], faust.App],
        inputs: Callable[[Random], Iterable[Input]],
        *,
        kinds: frozenset[str],
        shards: int = 1,
        on_commit: Callable[[View], None],
        trace: Callable[[str], None] | None = None,
    ) -> None:
        self.seed = seed
        self.rng = Random(seed)
        plan = Plan.draw(self.rng, kinds)
        self.plan = replace(plan, workers=plan.workers + shards - 1)
        self._workers_max = WORKERS_MAX + shards - 1
        self.events: list[str] = []
        self.steps = 0
        self._make_app, self._kinds, self._trace = make_app, kinds, trace
        self._on_commit = on_commit
        self._agenda = Agenda(self.rng)
        self._clock = Clock(START_S, lambda: self._agenda.now_us)
        self._clock.begin()
        self._substitutes = Substitutes(self._clock, self.rng)
        self._disks: dict[str, Disk] = {}
        self._workers: dict[str, Worker] = {}
        self._past: list[Worker] = []
        self._lives = 0
        self._names = self.plan.workers
        self._faulty = self._is_calm = self._is_over = False
        self._until_us = int((READY_MAX_S + DRAIN_S) * 1e6)
        self._failure: BaseException | None = None
        self._last_crash: BaseException | None = None
        with self._substitutes.active():
            self._observer = self._make_app()
            self._inputs = list(inputs(self.rng))
        self._waiting_inputs = len(self._inputs)
        clock_ms = self._clock.server_ms
        self._nodes = Nodes(
            [Node(Shard(n, shards), self._agenda, clock_ms, self._observer, self._fail) for n in range(shards)]
        )
        for node in self._nodes:
            node.network.after, node.network.hold_s = partial(self._after_command, node), self._hold_s
        self._brokers = self._nodes.brokers
        self.view = View([self._observer], self._brokers)

    # --- playing -----------------------------------------------------------------------------------------------------

    def play(self) -> View:
        """Play the seed to its end, and return the final state.

        Raises:
            SimulationError: when the world does not come to rest.
            InvariantError: when the library breaks a promise of its own.
            Exception: what a user's invariant raised.
        """
        with undisturbed(self.say), self._substitutes.active():
            try:
                self._schedule()
                self._run()
                for node in self._nodes:
                    node.invariants.at_the_end()
                self._judge()
            finally:
                self._end()
        return self.view

    def _schedule(self) -> None:
        self.say(f"{self.plan}")
        for number in range(self.plan.workers):
            delay_s = self.rng.choice((0, 0, 1.0)) * self.rng.random()
            self._agenda.after(delay_s, partial(self._start, f"w{number}"))
        if self.plan.begins_ready:
            self._agenda.after(READY_POLL_S, self._begin_when_ready)
        else:
            self._begin()

    def _begin_when_ready(self) -> None:
        if self._agenda.now_us > READY_MAX_S * 1e6 or (len(self._workers) == self.plan.workers and self._all_ready()):
            self._begin()
        else:
            self._agenda.after(READY_POLL_S, self._begin_when_ready)

    def _begin(self) -> None:
        """Schedule the inputs and the faults. Some seeds have bursts of inputs, and their faults follow a burst."""
        plan, rng = self.plan, self.rng
        self.say("the faults begin")
        self._faulty = True
        self._nodes.have_weather(plan.weather)
        self._until_us = self._agenda.now_us + int((plan.faulty_s + DRAIN_S) * 1e6)
        bursts = [rng.uniform(0.1, plan.faulty_s) for _ in range(rng.choice((0, 1, 2)))]
        times = sorted(rng.choice(bursts) if bursts else rng.uniform(0.0, plan.faulty_s) for _ in self._inputs)
        for when_s, entry in zip(times, self._inputs, strict=True):
            self._agenda.after(when_s, partial(self._append, entry))
        faults = [fault for fault in (*FAULTS, *MORE_OFTEN) if fault in self._kinds]
        for _ in range(plan.faults if faults else 0):
            near = rng.choice(bursts) + rng.uniform(0, 0.4) if bursts else rng.uniform(0.0, plan.faulty_s)
            self._agenda.after(min(near, plan.faulty_s), partial(self._happen, rng.choice(faults)))
        backup_s = rng.uniform(0.0, plan.faulty_s)
        self._agenda.after(backup_s, self._nodes.back_up)
        if plan.relapse_s is not None:
            self._agenda.after(min(backup_s + plan.relapse_s, plan.faulty_s), self._roll_back)
        self._agenda.after(plan.faulty_s, self._calm)

    def _run(self) -> None:
        rest_us = 0
        while self._agenda.now_us < self._until_us and self.steps < STEPS_MAX:
            self._agenda.step()
            self.steps += 1
            self._judge()
            if self.steps % 16:
                continue
            self._look_for_ends()
            if not self._is_calm or self._waiting_inputs or not self._is_at_rest():
                rest_us = self._agenda.now_us
            elif self._agenda.now_us > rest_us + REST_US:
                return
        raise SimulationError(self._what_is_left()) from self._last_crash

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error

    def _judge(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _is_at_rest(self) -> bool:
        return self._all_ready() and not self._lag()

    def _all_ready(self) -> bool:
        return all(
            not each.loop.dead and each.is_ready and each.loop.paused_until_us <= self._agenda.now_us
            for each in self._workers.values()
        )

    def _lag(self) -> list[str]:
        app: Any = self._observer
        group, replies = app.conf.id, app.conf.reply_to_prefix
        consumed = {
            (tp.topic, tp.partition)
            for worker in self._workers.values()
            if not worker.loop.dead and worker.is_ready
            for tp in worker.app.consumer.assignment()
            if tp.topic not in worker.app.tables.changelog_topics and not tp.topic.startswith(replies)
        }
        behind = [f"{topic}:{p}" for topic, p in sorted(consumed) if self._brokers.is_behind(group, topic, p)]
        return behind + self._brokers.on_the_way(group)

    def _what_is_left(self) -> str:
        workers = ", ".join(
            f"{each.member} {'is down' if each.loop.dead else 'is ready' if each.is_ready else 'is not ready'}"
            for each in self._workers.values()
        )
        return (
            f"the app is not at rest {DRAIN_S:.0f} virtual seconds after the last fault; behind in: "
            f"{', '.join(self._lag()) or 'nothing'}; workers: {workers}"
        )

    def _end(self) -> None:
        self._is_over = True
        for worker in (*self._past, *self._workers.values()):
            worker.end()

    # --- workers ------------------------------------------------------------------------------------------------------

    def running(self) -> list[Worker]:
        """Return the workers that have not crashed or stopped."""
        return [worker for worker in self._workers.values() if not worker.loop.dead]

    def _running_as(self, member: str) -> Worker | None:
        return next((worker for worker in self.running() if worker.member == member), None)

    def _start(self, name: str) -> None:
        if name in self._workers and not self._workers[name].loop.dead:
            raise AssertionError(f"worker {name} runs already")
        self._lives += 1
        app = self._make_app()
        if app is self._observer or any(app is worker.app for worker in (*self._past, *self._workers.values())):
            raise SimulationError("the factory must return a new app each time it is called: every life needs its own")
        disk = self._disks.setdefault(name, Disk())
        member, node = f"{name}.{self._lives}", self._nodes.of(name)
        opened = OpenDisk(
            disk,
            before_write=lambda: self._may_write(member),
            after_write=partial(node.invariants.on_disk_write, member, disk),
        )
        place = Place(self._agenda, [each.network for each in self._nodes], opened, node.shard, self.plan.limits)
        worker = self._workers[name] = Worker(app, member, place, partial(self._on_error, member))
        internals.hurry(app, lease_s=self.plan.lease_s, rebalance_s=self.plan.rebalance_s)
        self.say(f"{member} starts")
        worker.start()

    def _on_error(self, member: str, text: str) -> None:
        self.say(f"{member}: unhandled: {text}")

    def _may_write(self, member: str) -> bool:
        worker = self._workers.get(member.partition(".")[0])
        if worker is None or worker.member != member or worker.loop.dead:
            return False
        if self._faulty and self.rng.random() < self.plan.crash_at_write:
            self._crash(worker, "at a disk write")
            return False
        return True

    def _look_for_ends(self) -> None:
        """Restart workers that ended with an error, as a supervisor does."""
        for worker in self.running():
            error = worker.error
            if error is not None:
                self._last_crash = error
                self._crash(worker, f"with {error!r}")

    def _crash(self, worker: Worker, how: str, back_s: float | None = None) -> None:
        if not worker.loop.dead:
            self.say(f"{worker.member} crashes {how}")
            worker.loop.dead = True
            self._again(worker, back_s)

    def _again(self, worker: Worker, back_s: float | None = None) -> None:
        name = worker.member.partition(".")[0]
        self._past.append(worker)
        self._nodes.of(name).network.listeners.pop(worker.member, None)
        self._agenda.after(back_s or self.rng.uniform(0.05, 2.5), partial(self._start, name))

    def _pause(self, worker: Worker, seconds: float) -> None:
        self.say(f"{worker.member} is paused for {seconds:.3f} s")
        worker.loop.paused_until_us = self._agenda.now_us + int(seconds * 1e6)

    def _hold_s(self, sender: str, command: tuple[Any, ...]) -> float:
        """Return how long to hold a request. A worker may pause for longer than its lease while its commit is held."""
        if not is_commit(command) or not self._faulty or self.rng.random() >= self.plan.pause_at_commit:
            return 0.0
        worker = self._running_as(sender)
        seconds = self.plan.lease_s * self.rng.uniform(1.0, 2.5)
        if worker is None:
            return 0.0
        self._pause(worker, seconds)
        return seconds * self.rng.uniform(0.4, 1.0)

    def _stop(self, worker: Worker) -> None:
        self.say(f"{worker.member} is stopped")

        async def stop() -> None:
            await worker.app.stop()
            if not worker.loop.dead:
                self.say(f"{worker.member} has stopped")
                worker.loop.dead = True
                self._again(worker)

        worker.call(stop)

    # --- faults -------------------------------------------------------------------------------------------------------

    def _happen(self, fault: str) -> None:
        running = self.running()
        if fault == "add":
            if self._names < self._workers_max:
                self._start(f"w{self._names}")
                self._names += 1
        elif fault == "server":
            node = self._nodes.draw(self.rng)
            if node.network.server_is_up:
                self.say(f"{node} restarts")
                node.network.stop_server(self.rng.choice((0.05, 0.5, 2.0)) * self.rng.uniform(0.5, 1.5))
        elif fault == "trim":
            node = self._nodes.draw(self.rng)
            self.say(f"{node} trims what is processed")
            node.broker.trim(self._observer.conf.id)
        elif fault == "rollback":
            self._roll_back()
        elif running:
            rng = self.rng
            worker = rng.choice(running)
            if fault == "crash":
                self._crash(worker, "in mid-air")
            elif fault == "pause":
                self._pause(worker, rng.choice((0.1, 1.0, 2.0)) * self.plan.lease_s * rng.uniform(0.5, 1.5))
            else:
                self._stop(worker)

    def _roll_back(self) -> None:
        """Restore the brokers to their backups, which are of one moment. The senders send the lost inputs again.

        One broker is restored while its workers run. Several are restored as an installation is: all of it is stopped.
        """
        if not self._nodes.can_roll_back():
            return
        several = self._nodes.are_several
        self.say("the brokers go back to their backups" if several else "the broker goes back to its backup")
        seconds = self.rng.choice((0.05, 0.5))
        before = self._brokers.count_records({topic for topic, _, _ in self._inputs})
        self._nodes.roll_back(seconds)
        lost = before - self._brokers.count_records({topic for topic, _, _ in self._inputs})
        for topic, key, value in sorted(lost.elements(), key=repr):
            self._waiting_inputs += 1
            again = partial(self._append_bytes, topic, (key, value))
            self._agenda.after(seconds + self.rng.uniform(0.01, 0.5), again)
        running = self.running()
        if several:
            for worker in running:
                self._crash(worker, "with the brokers", back_s=seconds + self.rng.uniform(0.1, 2.0))
        elif running and self.rng.random() < 0.7:  # noqa: PLR2004 - mostly a worker goes down with it
            self._crash(self.rng.choice(running), "with the broker", back_s=self.rng.uniform(1.5, 4.0))

    def _calm(self) -> None:
        self.say("the faults are over")
        self._faulty, self._is_calm = False, True
        self._nodes.have_weather(CALM)

    def _append(self, entry: Input) -> None:
        topic, key, value = entry
        self._append_bytes(topic, encode(topic_object([self._observer], topic), key, value))

    def _append_bytes(self, topic: str, key_and_value: tuple[bytes | None, bytes | None]) -> None:
        if not self._brokers.has(topic) or not self._nodes.are_up:
            self._agenda.after(0.1, partial(self._append_bytes, topic, key_and_value))
            return
        self._waiting_inputs -= 1
        self._brokers.append(topic, key_and_value, self._clock.server_ms())
        for node in self._nodes:
            node.network.wake()

    # --- watching ----------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Record an event of the seed, but none that follows from ending the workers."""
        if self._is_over:
            return
        line = f"{self._agenda.now_us / 1e6:10.6f}  {text}"
        self.events.append(line)
        if self._trace is not None:
            self._trace(line)

    def _after_command(self, node: Node, sender: str, command: tuple[Any, ...], reply: Any) -> None:
        if self._trace is not None:
            self._trace(f"{self._agenda.now_us / 1e6:10.6f}    {sender}: {trace_line(command, reply)}")
        node.invariants.after(sender, command, reply)
        if not is_commit(command):
            return
        if not isinstance(reply, Exception) and reply[0] == b"OK" and reply[2] == b"new":
            try:
                self._on_commit(self.view)
            except Exception as exc:
                self._fail(exc)
        worker = self._running_as(sender)
        if worker is not None and self._faulty and self.rng.random() < self.plan.crash_after_commit:
            self._crash(worker, "after a commit, before the reply")
