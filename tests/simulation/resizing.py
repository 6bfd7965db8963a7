"""The number of partitions grows in some worlds: the production code runs in a process that may end anywhere.

The rows of the simulated application say what a resize has to do: most move with the key of their events. One row of
each partition counts its events (`total`), so it follows from all rows together, as rows of a plan do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from faust_redis.log import Log, LogError, Shard
from faust_redis.log.scripts import RESIZE
from faust_redis.log.sharded import ShardedLog
from faust_redis.log.shards import WHOLE
from faust_redis.resizing import Resize, RowWrite, Split, resize
from faust_redis.testing.client import Client, SimulatedLog
from faust_redis.testing.network import is_commit

from tests.simulation.topology import ACKED, CHANGELOG, GROUP_NAME, NAMESPACE, TOTAL, keys_at, owner_of, topics

if TYPE_CHECKING:
    from tests.simulation.brokers import Broker
    from tests.simulation.plan import Plan
    from tests.simulation.world import World

CHANCE = 0.2
LONGER_S = 3.0
"""How much longer the faults of such a world last."""

COMMAND_CRASHES = "crash of a resize"
FAULTS_MAX = 3
AFTER_CHANGES, AFTER_READS = 0.15, 0.01
"""How often the command crashes or pauses after one of its calls."""
PAUSE_S = (3.0, 7.0)
TAKEN_OVER = 0.7
CANCEL = 0.15
"""How often an operator cancels instead."""
BACKUP_AT_BEGIN, BACK_BEFORE_SEAL = 0.5, 0.2
DRAIN_S = 6.0


def has_resize(seed: int) -> bool:
    """Return whether the number of partitions grows in the world of a seed."""
    return _rng(seed).random() < CHANCE


def _rng(seed: int) -> Random:
    return Random(f"resize of {seed}")


def draw(seed: int, plan: Plan) -> Plan:
    """Return the plan of a seed; in some seeds the number of partitions grows.

    The draws have a generator of their own, so that the other draws of a seed do not depend on them.
    """
    rng = _rng(seed)
    if rng.random() >= CHANCE:
        return plan
    old = plan.partitions
    if old % plan.shards:
        old = plan.shards * rng.choice((1, 2))
    new = old * rng.choice((2, 2, 3))
    keys = keys_at(new, [rng.randrange(old) + old * rng.randrange(new // old) for _ in range(5)])
    return replace(plan, partitions=old, resized=new, keys=keys, faulty_s=plan.faulty_s + LONGER_S)


class RowsByKey:
    """The layout of the simulated application."""

    planned = (CHANGELOG,)

    def plan(self, split: Split, parent: int) -> CountedRows:
        """Return a plan for a partition."""
        return CountedRows(split, parent)

    def moved(self, split: Split, parent: int, topic: str, key: bytes, value: bytes) -> Sequence[RowWrite]:
        """Return the writes that move a row to the partition of its key."""
        owner = owner_of(key)
        target = parent if owner is None else split.partition(owner)
        return () if target == parent else (RowWrite(topic, target, key, value), RowWrite(topic, parent, key, None))


class CountedRows:
    """The plan for a partition: the rows that count its events, and those of its children."""

    def __init__(self, split: Split, parent: int) -> None:
        self._split = split
        self._totals = dict.fromkeys(split.family(parent), 0)

    def see(self, _topic: str, key: bytes, value: bytes) -> None:
        """Count the events of a key for its partition."""
        if owner_of(key) == key:
            self._totals[self._split.partition(key)] += int(value)

    def writes(self) -> Iterable[RowWrite]:
        """Return the row of each partition."""
        return [RowWrite(CHANGELOG, p, TOTAL, b"%d" % total if total else None) for p, total in self._totals.items()]


class Operator:
    """One life of the process that runs the command, again and again until all topics have the new number."""

    def __init__(self, world: World, life: int) -> None:
        self.world = world
        self.member = f"operator.{life}"
        self.loop = world.new_loop(self)

    def start(self) -> None:
        """Run the command."""
        self.loop.turn(lambda: self.loop.create_task(self._work()))

    def end(self) -> None:
        """Cancel what is left of this life when the world is over: Python closes no coroutine that cleans up."""
        self.loop.dead, self.loop.paused_until_us, self.loop.is_ending = False, 0, True
        while left := asyncio.all_tasks(self.loop):
            self.loop.turn(lambda left=left: [task.cancel() for task in left])  # type: ignore[misc]

    async def _work(self) -> None:
        while True:
            if not self.world.resizes.is_done():
                try:
                    await self._run(self._log())
                except LogError as exc:
                    self.world.say(f"{self.member}: {exc}")
            await asyncio.sleep(self.world.rng.uniform(0.2, 1.0))

    async def _run(self, log: Log) -> None:
        plan = self.world.plan
        names = [spec.name for spec in topics(plan.partitions)]
        work = Resize(log, names, {GROUP_NAME: ACKED}, RowsByKey())
        if self.world.faulty and self.world.rng.random() < CANCEL:
            await work.cancel()
        else:
            await work.run(plan.resized, drain_s=DRAIN_S)

    def _log(self) -> Log:
        world = self.world

        def client(_url: str, namespace: str, *, owner: str = "", shard: Shard = WHOLE, transit: str = "") -> Log:
            del owner
            network = world.brokers[shard.number].network
            return SimulatedLog(Client(network, self.member, self.loop), namespace, shard=shard, transit=transit)

        if world.plan.shards == 1:
            return client("", NAMESPACE)
        return ShardedLog(["redis://virtual"] * world.plan.shards, NAMESPACE, client=client)


def _step_of(command: tuple[Any, ...]) -> str | None:
    """Return which step of a resize a command is, if any."""
    return command[5] if command[:2] == ("EVALSHA", RESIZE.digest) else None


class Resizes:
    """The resize of one world; without one it is done from the beginning."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lives = count(1)
        self._names = count(1)
        self._operators: list[Operator] = []
        self._faults_left = FAULTS_MAX

    def schedule(self) -> None:
        """Let operators begin: one, or two at once."""
        world = self._world
        if world.plan.resized:
            for _ in range(world.rng.choice((1, 1, 2))):
                world.agenda.after(world.rng.uniform(0.3, world.plan.faulty_s * 0.7), self._start)

    def _start(self) -> None:
        operator = Operator(self._world, next(self._lives))
        self._operators.append(operator)
        self._world.say(f"{operator.member} begins")
        operator.start()

    def is_done(self) -> bool:
        """Return whether all topics have their last number of partitions, and are open."""
        world = self._world
        return not world.plan.resized or all(
            broker.partitions == world.plan.resized and not broker.state_of_resize for broker in world.brokers
        )

    def before_command(self, broker: Broker, command: tuple[Any, ...]) -> None:
        """Restore a shard to an earlier state just before some seals."""
        if _step_of(command) == "seal" and self._faults_left and self._world.rng.random() < BACK_BEFORE_SEAL:
            self._faults_left -= 1
            broker.storage.happen("rollback")

    def after_command(self, broker: Broker, sender: str, command: tuple[Any, ...]) -> None:
        """Crash or pause an operator after some of its calls, before the reply; mostly after a change."""
        operator = next((one for one in self._operators if one.member == sender), None)
        if operator is None or operator.loop.dead:
            return
        world, step = self._world, _step_of(command)
        if step == "begin" and self._faults_left and world.rng.random() < BACKUP_AT_BEGIN:
            broker.storage.back_up()
        often = AFTER_CHANGES if step or is_commit(command) else AFTER_READS
        if self._faults_left and world.rng.random() < often:
            self._faults_left -= 1
            world.rng.choice((self._crash, self._pause))(operator)

    def _crash(self, operator: Operator) -> None:
        world = self._world
        world.say(f"{operator.member} crashes")
        world.faults[COMMAND_CRASHES] = world.faults.get(COMMAND_CRASHES, 0) + 1
        operator.loop.dead = True
        world.agenda.after(world.rng.uniform(0.05, 2.0), self._start)

    def _pause(self, operator: Operator) -> None:
        """Pause a command for longer than its lease; mostly another one goes on meanwhile."""
        world = self._world
        seconds = world.rng.uniform(*PAUSE_S)
        world.say(f"{operator.member} is paused for {seconds:.3f} s")
        operator.loop.paused_until_us = world.agenda.now_us + int(seconds * 1e6)
        if world.rng.random() < TAKEN_OVER:
            world.agenda.after(world.rng.uniform(0.0, seconds), self._start)

    @contextmanager
    def in_virtual_time(self) -> Iterator[None]:
        """Give the command the world's clock, and numbers for names, so that a seed plays the same way each time."""
        clock: Any = SimpleNamespace(
            monotonic=lambda: self._world.agenda.now_us / 1e6, time_ns=lambda: self._world.now_ms() * 1_000_000
        )
        names: Any = SimpleNamespace(
            token_hex=lambda _size: f"resize-{next(self._names)}",
            token_bytes=lambda _size: b"resize-%d" % next(self._names),
        )
        with patch.object(resize, "time", clock), patch.object(resize, "secrets", names):
            try:
                yield
            finally:
                for operator in self._operators:
                    operator.end()
