"""The brokers of one world: one, or in some seeds a shard of the namespace on each of several."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from faust_redis.log import Shard
from faust_redis.log.keys import Keys
from faust_redis.log.records import TopicInfo
from faust_redis.log.scripts import CREATE_TOPIC
from faust_redis.log.transit import Transit
from faust_redis.testing.network import Network, Weather
from faust_redis.testing.server import Server

from tests.simulation.checks import Checks
from tests.simulation.storage import Storage
from tests.simulation.topology import GROUP_NAME, IN, NAMESPACE, keys_of, topics

if TYPE_CHECKING:
    from tests.simulation.plan import Plan
    from tests.simulation.world import World

CHANCE = 0.33

LATE = 0.25
"""In how many worlds with several brokers one of them is restored when all other faults are over."""

LONG_REST = 0.3
"""In how many worlds with several brokers the workers rest for long, and go on."""

FREEZE_S = (0.3, 1.0, 3.0)
"""About how long a broker answers nothing, and processes then what it was sent."""


def has_several(seed: int) -> bool:
    """Return whether the world of a seed has several brokers."""
    return _rng(seed).random() < CHANCE


def _rng(seed: int) -> Random:
    return Random(f"shards of {seed}")


def draw(seed: int, plan: Plan) -> Plan:
    """Return the plan of a seed; some seeds get several brokers.

    The draws have a generator of their own, so that the other draws of a seed do not depend on them.
    """
    rng = _rng(seed)
    if rng.random() >= CHANCE:
        return plan
    count = rng.choice((2, 2, 3))
    partitions = rng.choice((count, count + 1, 2 * count))
    workers, late = count + rng.randrange(count + 1), rng.random() < LATE
    keys = keys_of(partitions)
    plan = replace(plan, shards=count, partitions=partitions, workers=workers, keys=keys)
    return replace(plan, late_rollback=late, long_rest=rng.random() < LONG_REST)


@dataclass(frozen=True, slots=True)
class Home:
    """Where the workers, keys and partitions of a world are."""

    shards: int

    def of_worker(self, member: str) -> int:
        """Return the number of the broker that a worker serves, by its name such as `w3` or the name of one life."""
        return int(member.partition(".")[0][1:]) % self.shards


class Broker:
    """A server, the network to it, and what is checked there."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.shard = Shard(number, world.plan.shards)
        self.keys = Keys(self.shard.namespace(NAMESPACE))
        self.server = Server(world.now_ms)
        self.server.flaws = world.flaws
        self.network = Network(world.agenda, self.server)
        self.network.weather = world.plan.weather
        self.network.hold_s = lambda _sender, _command: max(0, self._frozen_until_us - world.agenda.now_us) / 1e6
        self.checks = Checks(world, self)
        self.storage = Storage(world, self)
        self.network.before, self.network.after = self._before_command, self._after_command
        if world.trace is not None:
            self.network.trace = self.say
        self.infos: dict[str, TopicInfo] = {}
        self._frozen_until_us = 0

    def say(self, text: str) -> None:
        """Add a line to the trace."""
        self.world.say(text if self.shard.count == 1 else f"[{self.shard}] {text}")

    def create_topics(self) -> None:
        """Create the topics of the application, and those for what goes to the other brokers."""
        specs = topics(self.world.plan.partitions)
        others = [number for number in range(self.shard.count) if number != self.shard.number]
        specs += [Transit(self.shard, GROUP_NAME).topic(number) for number in others]
        for spec in specs:
            values = (spec.name, spec.partitions, spec.cleanup, spec.view, spec.retention_ms, "1", int(spec.archived))
            self.server.execute(
                "EVALSHA", CREATE_TOPIC.digest, 2, self.keys.topic(spec.name), self.keys.topics, *values
            )
            self.infos[spec.name] = TopicInfo(spec, "1")

    @property
    def partitions(self) -> int:
        """Return how many partitions the topics have now."""
        return int(self.server.hashes[self.keys.topic(IN)][b"partitions"])

    @property
    def state_of_resize(self) -> dict[bytes, bytes]:
        """Return what the broker remembers of a resize that has begun."""
        return self.server.hashes.get(self.keys.resize, {})

    def freeze(self) -> None:
        """Answer nothing for a time; the requests of this time count when it is over."""
        seconds = self.world.rng.choice(FREEZE_S) * self.world.rng.uniform(0.5, 1.5)
        self.say(f"the server answers nothing for {seconds:.3f} s")
        self._frozen_until_us = self.world.agenda.now_us + int(seconds * 1e6)

    def calm(self) -> None:
        """End the faults of the network."""
        self.network.weather = Weather()

    def _after_command(self, sender: str, command: tuple[Any, ...], reply: object) -> None:
        self.checks.after(sender, command, reply)
        self.world.resizes.after_command(self, sender, command)
        self.world.after_command(sender, command)

    def _before_command(self, sender: str, command: tuple[Any, ...]) -> None:
        self.world.resizes.before_command(self, command)
        self.checks.before(sender, command)
