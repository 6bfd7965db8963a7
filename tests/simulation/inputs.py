"""Append inputs as the ingress does, and again later while topics take no records."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from faust_redis.log.partitioner import partition_for
from faust_redis.log.records import Record, WriteBatch
from faust_redis.log.scripts import COMMIT
from faust_redis.log.write_arguments import commit_arguments

from tests.simulation.topology import IN, SIDE

if TYPE_CHECKING:
    from tests.simulation.world import World


class Inputs:
    """The inputs of one world.

    Attributes:
        due: How many the world gets.
        homes: On which broker each input is.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._sent = self._refused = 0
        self._counted = world.plan.partitions
        self.due = world.plan.inputs
        self.homes: dict[int, int] = {}

    @property
    def waits(self) -> bool:
        """Return whether some input is yet to be appended."""
        return self._sent < self.due or self._refused > 0

    def one(self) -> None:
        """Append the next input."""
        number, self._sent = self._sent, self._sent + 1
        rng = self._world.rng
        key = rng.choice(self._world.plan.keys)
        self.append(rng.choice((IN, IN, SIDE)), key, b"%d" % number)

    def append(self, topic: str, key: bytes, value: bytes) -> None:
        """Append an input to the partition of its key, of so many as the topics had at the last look."""
        world = self._world
        partition = partition_for(key, self._counted)
        broker, record = world.broker_of(partition), Record(topic, partition, key, value, 0)
        self.homes[int(value)] = broker.shard.number
        batch = WriteBatch([record], counted=self._counted)
        args = commit_arguments(broker.keys.prefix, batch, broker.infos, None, None)
        status, *_ = broker.server.execute("EVALSHA", COMMIT.digest, 1, "", *args.argv)
        if status == b"OK":
            if broker.state_of_resize:
                world.fail(f"input {value!r} was accepted while topics are closed")
            broker.network.wake()
            return
        world.say(f"input {value!r} is refused: {status.decode()}")
        self._refused += 1
        self._counted = min(broker.partitions for broker in world.brokers)
        world.agenda.after(world.rng.uniform(0.05, 0.5), partial(self._again, topic, key, value))

    def _again(self, topic: str, key: bytes, value: bytes) -> None:
        self._refused -= 1
        self.append(topic, key, value)
