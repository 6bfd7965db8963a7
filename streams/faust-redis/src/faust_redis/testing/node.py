"""The brokers of a simulated world: each with its server and its network, what must hold there, and its backup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import faust

from faust_redis.log import Shard
from faust_redis.testing.broker import Broker
from faust_redis.testing.brokers import Brokers
from faust_redis.testing.errors import InvariantError
from faust_redis.testing.invariants import Invariants
from faust_redis.testing.loop import Agenda
from faust_redis.testing.network import Network, Weather
from faust_redis.testing.server import Server


class Node:
    """A broker of a simulated world.

    Args:
        shard: Which shard of the namespace it holds.
        agenda: The agenda of the world.
        now_ms: The server's clock.
        app: An app like those of the workers.
        fail: Fails the seed. Gets the error.
    """

    def __init__(
        self,
        shard: Shard,
        agenda: Agenda,
        now_ms: Callable[[], int],
        app: faust.App,
        fail: Callable[[InvariantError], None],
    ) -> None:
        self.shard = shard
        self.server = Server(now_ms)
        self.network = Network(agenda, self.server)
        self.broker = Broker(self.server, shard)
        self.invariants = Invariants(app, self.broker, fail)
        self.network.before = self.invariants.before
        self._backup: tuple[Any, ...] | None = None

    def __str__(self) -> str:
        return "the broker" if self.shard.count == 1 else f"broker {self.shard.number}"

    @property
    def can_roll_back(self) -> bool:
        """Return whether there is a backup, and a server to restore it to."""
        return self._backup is not None and self.network.server_is_up

    def back_up(self) -> None:
        """Keep the state of the server."""
        self._backup = self.server.saved()

    def roll_back(self, seconds: float, *, cut: bool) -> None:
        """Restore the server to its backup. It is away for some seconds.

        Args:
            seconds: How long.
            cut: Whether requests that are on the way do not arrive any more.
        """
        self.server.restore(self._backup or ())
        self.invariants.on_rollback()
        self.network.stop_server(seconds, cut=cut)


class Nodes:
    """The brokers of a simulated world.

    Args:
        nodes: One for each shard.

    Attributes:
        brokers: What they hold, as one log.
    """

    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = nodes
        self.brokers = Brokers([node.broker for node in nodes])

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)

    @property
    def are_several(self) -> bool:
        """Return whether there is more than one."""
        return len(self._nodes) > 1

    @property
    def are_up(self) -> bool:
        """Return whether all servers answer."""
        return all(node.network.server_is_up for node in self._nodes)

    def of(self, member: str) -> Node:
        """Return the broker that a worker serves, by its name such as `w3` or the name of one life."""
        return self._nodes[int(member.partition(".")[0][1:]) % len(self._nodes)]

    def draw(self, rng: Random) -> Node:
        """Return any of them."""
        return rng.choice(self._nodes) if self.are_several else self._nodes[0]

    def have_weather(self, weather: Weather) -> None:
        """Set how bad the networks are."""
        for node in self._nodes:
            node.network.weather = weather

    def back_up(self) -> None:
        """Keep the states of all servers, which are of one moment."""
        for node in self._nodes:
            node.back_up()

    def can_roll_back(self) -> bool:
        """Return whether all have backups, and servers to restore them to."""
        return all(node.can_roll_back for node in self._nodes)

    def roll_back(self, seconds: float) -> None:
        """Restore all servers to their backups. They are away for some seconds."""
        for node in self._nodes:
            node.roll_back(seconds, cut=self.are_several)
