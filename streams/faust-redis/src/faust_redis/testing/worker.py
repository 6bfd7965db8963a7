"""Run one life of a worker in a virtual world: a real Faust app on an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import faust
from yarl import URL

from faust_redis.driver.commit.committer import CommitLimits
from faust_redis.driver.faust_api.transport import Transport
from faust_redis.log import Shard
from faust_redis.log.address import split_options
from faust_redis.log.shards import WHOLE
from faust_redis.testing import internals
from faust_redis.testing.client import Carrier, Client, SimulatedLog
from faust_redis.testing.disk import OpenDisk, use_disk
from faust_redis.testing.heartbeat import VirtualGroups
from faust_redis.testing.loop import Agenda, process_loop

NAMESPACE = "test"
TURNS_TO_END = 50
"""How often a worker's remaining tasks are cancelled, because a task may catch its cancellation."""


def dead_letter_topic(app: Any) -> str:
    """Return the topic of an app's dead letters. The broker URL may name it."""
    _, options = split_options(str(app.conf.broker[0]))
    return options.get("dead_letters", f"{app.conf.id}-dead-letters")


@dataclass(frozen=True, slots=True)
class Place:
    """Name the surroundings of a worker.

    Attributes:
        agenda: The agenda of its world.
        networks: The network to each broker.
        disk: Its disk.
        shard: The shard that it serves.
        limits: The bounds of its commits.
    """

    agenda: Agenda
    networks: Sequence[Carrier]
    disk: OpenDisk
    shard: Shard = WHOLE
    limits: CommitLimits = field(default_factory=CommitLimits)


class Worker:
    """Run a Faust app from its start to its end or crash."""

    def __init__(self, app: faust.App, member: str, place: Place, on_error: Callable[[str], None]) -> None:
        self.app: Any = app
        self.member = member
        self.loop = process_loop(place.agenda, on_error)
        self._place = place
        self.starting: asyncio.Task[Any] | None = None

    def start(self) -> None:
        """Connect the app to the virtual brokers and start it, as a worker process does."""
        self.loop.turn(self._start)

    def _start(self) -> None:
        app = self.app
        internals.adopt(app, self.loop)
        app.boot_strategy.enable_web = False
        shard, bare = self._place.shard, URL("redis://virtual/")
        options = {"namespace": NAMESPACE, "dead_letters": dead_letter_topic(app), "shard": str(shard.number)}
        urls = [bare.with_query(options), *[bare] * (shard.count - 1)]
        app.transport = transport = Transport(urls, app, self.loop)
        transport.member = self.member
        others = {number: self._log(Shard(number, shard.count)) for number in range(shard.count)}
        log = others.pop(shard.number)
        vars(log)["groups"] = VirtualGroups(log)
        vars(transport)["broker"], vars(transport)["others"] = log, others
        app.finalize()
        use_disk(app, self._place.disk)
        committer = transport.driver.committer
        committer.cost_max_us, committer.pending_max = self._place.limits.cost_max_us, self._place.limits.pending_max
        self.starting = self.loop.create_task(app.start())

    def _log(self, shard: Shard) -> SimulatedLog:
        client = Client(self._place.networks[shard.number], self.member, self.loop)
        return SimulatedLog(client, NAMESPACE, shard=shard, transit=self.app.conf.id)

    @property
    def error(self) -> BaseException | None:
        """Return the error that ended the app or its start, or None."""
        if self.starting is not None and self.starting.done() and not self.starting.cancelled():
            error = self.starting.exception()
            if error is not None:
                return error
        reason: BaseException | None = self.app.crash_reason if self.app.crashed else None
        return reason

    @property
    def is_ready(self) -> bool:
        """Return whether the app has started, and has its partitions and recovered tables."""
        return self.starting is not None and self.starting.done() and not self.app.rebalancing

    def call(self, what: Callable[[], Awaitable[Any]]) -> asyncio.Task[Any]:
        """Run a coroutine as a task of the worker, now or when its pause ends."""

        async def run() -> Any:
            return await what()

        task = self.loop.create_task(run())
        self.loop.turn(lambda: None)
        return task

    def end(self) -> None:
        """Cancel the remaining tasks of an app that has stopped or crashed, and close the loop."""
        self.loop.dead, self.loop.paused_until_us, self.loop.is_ending = False, 0, True
        for _ in range(TURNS_TO_END):
            left = [task for task in asyncio.all_tasks(self.loop) if not task.done()]
            if not left:
                break
            self.loop.turn(lambda left=left: [task.cancel() for task in left])  # type: ignore[misc]
        for generator in self.loop.open_generators():
            self.loop.turn(lambda generator=generator: self.loop.create_task(generator.aclose()))  # type: ignore[misc]
        self.loop.closed = True
