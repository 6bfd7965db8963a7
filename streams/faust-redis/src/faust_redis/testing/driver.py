"""Drive Faust apps in tests, as Kafka Streams' TopologyTestDriver does: no broker, virtual time, plain functions."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import Any, Self

import faust

from faust_redis.dead_letters import DeadLetter
from faust_redis.log import Shard, TopicSpec
from faust_redis.testing import internals
from faust_redis.testing.broker import Broker
from faust_redis.testing.brokers import Brokers
from faust_redis.testing.clock import Clock, Substitutes
from faust_redis.testing.disk import Disk, OpenDisk
from faust_redis.testing.errors import AlreadyStartedError, AppCrashedError, NotSettledError
from faust_redis.testing.loop import Agenda
from faust_redis.testing.quiet import QuietNetwork
from faust_redis.testing.records import TestRecord, encode, topic_object
from faust_redis.testing.server import Server
from faust_redis.testing.view import View
from faust_redis.testing.worker import Place, Worker

START_S = 1_767_225_600.0
"""When a world begins unless the test sets `start`: 2026-01-01 00:00 UTC."""

PATIENCE_S = 120.0
"""Virtual seconds that the app may take to start, or to process its piped-in records."""

SLACK_US = 5
"""How much further than asked `advance` goes, because the virtual loop rounds the time of a timer up."""

Headers = Mapping[str, bytes | str]


class TestDriver:
    """Run Faust apps in virtual time.

    Use it as a context manager. The apps start on entry and stop on exit; they can be driven again by another driver.
    Every method returns when the apps are at rest: they have processed and committed all records of all their topics.

    Args:
        apps: The app, as a worker would run it; or several that share a broker, each in its own consumer group. With
            several brokers a function that makes the app, since each broker has a worker with an app of its own.
        shards: How many brokers there are. Each holds a share of the partitions.
        topics: Topics that exist before the apps start. Apps create the others that they read.
        start: The wall-clock time at the beginning, in seconds since 1970 or as an aware datetime.
        seed: The seed of the random numbers that the apps draw.
    """

    __test__ = False

    def __init__(
        self,
        *apps: faust.App | Callable[[], faust.App],
        shards: int = 1,
        topics: Iterable[TopicSpec] = (),
        start: float | datetime = START_S,
        seed: int = 0,
    ) -> None:
        if not apps:
            raise ValueError("a test driver needs an app")
        self._places = [(shard, app) for shard in _shards(shards) for app in _made(apps, shards)]
        self.apps = [app for shard, app in self._places if shard.number == 0]
        self._rng = Random(seed)
        self._agenda = Agenda(Random(seed))
        self._clock = Clock(_seconds(start), lambda: self._agenda.now_us)
        servers = [Server(self._clock.server_ms) for _ in range(shards)]
        self._networks = [QuietNetwork(self._agenda, server) for server in servers]
        self._brokers = Brokers([Broker(server, shard) for server, shard in zip(servers, _shards(shards), strict=True)])
        self._view = View(self.apps, self._brokers)
        for spec in topics:
            self._brokers.create_topic(spec)
        self._errors: list[str] = []
        self._workers: list[Worker] = []
        self._is_open = False

    # --- life ---------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Start the app and wait until its tables are recovered.

        Raises:
            AlreadyStartedError: when the app runs already.
            Exception: what the app's start raises.
        """
        for _, app in self._places:
            if internals.has_started(app):
                raise AlreadyStartedError(
                    f"app {app.conf.id!r} runs already; end the worker or the other test driver first"
                )
        self._snapshots = [internals.Snapshot(app) for _, app in self._places]
        self._substitutes = Substitutes(self._clock, self._rng)
        self._workers = [self._worker(number, *place) for number, place in enumerate(self._places, 1)]
        try:
            with self._substitutes.active():
                for worker in self._workers:
                    worker.start()
            self._run(lambda: self._is_ready)
            self._clock.begin()
            self.settle()
        except BaseException:
            self._end()
            raise
        self._is_open = True
        return self

    def _worker(self, number: int, shard: Shard, app: faust.App) -> Worker:
        place = Place(self._agenda, self._networks, OpenDisk(Disk()), shard)
        return Worker(app, f"driver-{number}", place, self._errors.append)

    def __exit__(self, *error: object) -> None:
        """Stop the app.

        Raises:
            AppCrashedError: when a task of the app failed since the last call.
        """
        try:
            if error[0] is None:
                self._check()
            with suppress(NotSettledError):
                for worker in reversed(self._workers):
                    self._run(self._call(worker, worker.app.stop).done, check=False)
        finally:
            self._end()

    def _end(self) -> None:
        with self._substitutes.active():
            for worker in self._workers:
                worker.end()
        for snapshot in self._snapshots:
            snapshot.restore()
        self._workers, self._is_open = [], False
        gc.collect(0)

    @property
    def _is_ready(self) -> bool:
        return all(worker.is_ready for worker in self._workers)

    # --- time ---------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Return the wall-clock time in seconds since 1970."""
        return self._clock.time()

    def advance(self, seconds: float) -> None:
        """Let wall-clock time pass: timers, crontabs and sleeping tasks run, and windows of idle partitions close."""
        self._check()
        until_us = self._agenda.now_us + int(seconds * 1e6) + SLACK_US
        self._agenda.at(until_us, lambda: None)
        self._run(lambda: self._agenda.now_us >= until_us, patience_s=seconds + 1)
        self.settle()

    def advance_event_time(self, seconds: float) -> None:
        """Move the event time of every window forward, and close the windows that are over by then.

        The wall clock does not move, so no timer runs. A partition without windows has no event time to move.
        """
        self._clock.event_time_ahead_s += seconds
        for _, app in self._places:
            for table in internals.windowed_tables(app):
                self.run(internals.close_windows(table), app=app)

    def run(self, what: Awaitable[Any], *, app: faust.App | None = None) -> Any:
        """Run a coroutine in the event loop of an app, the first one when None, and return its result.

        For example ``driver.run(agent.ask(1))``.

        Raises:
            NotSettledError: when it does not end within two minutes of virtual time.
        """
        self._check()
        worker = next((each for each in self._workers if each.app is app), self._workers[0])
        task = self._call(worker, lambda: what)
        self._run(task.done)
        self.settle()
        return task.result()

    def _call(self, worker: Worker, what: Callable[[], Awaitable[Any]]) -> asyncio.Task[Any]:
        with self._substitutes.active():
            return worker.call(what)

    def settle(self) -> None:
        """Run the app until it has processed and committed every record of its topics.

        Raises:
            NotSettledError: when it does not come to rest within two minutes of virtual time.
            AppCrashedError: when the app, or a task in it, ends with an error.
        """
        self._run(lambda: self._is_ready and not self._lag())

    def _lag(self) -> dict[str, int]:
        return {place: behind for app in self.apps for place, behind in self._lag_of(app)}

    def _lag_of(self, app: Any) -> Iterator[tuple[str, int]]:
        for (topic, partition), behind in self._brokers.lag(app.conf.id).items():
            # Faust registers a reply topic twice and reads it once, so an app never finishes a reply.
            if not topic.startswith(app.conf.reply_to_prefix):
                yield f"{topic}:{partition}", behind
        for topic in self._brokers.on_the_way(app.conf.id):
            yield topic, 1

    def _run(self, until: Callable[[], bool], *, patience_s: float = PATIENCE_S, check: bool = True) -> None:
        give_up_us = self._agenda.now_us + int(patience_s * 1e6)
        with self._substitutes.active():
            for network in self._networks:
                network.notify()
            while not (until() and self._agenda.next_us() != self._agenda.now_us):
                if self._agenda.now_us > give_up_us or self._agenda.next_us() is None:
                    self._check()
                    raise NotSettledError(self._what_is_left(patience_s))
                self._agenda.step()
                if check and (self._errors or self._error is not None):
                    break
        if check:
            self._check()

    @property
    def _error(self) -> BaseException | None:
        return next((worker.error for worker in self._workers if worker.error is not None), None)

    def _check(self) -> None:
        if not self._workers:
            raise RuntimeError("the test driver is not open; use it in a with statement")
        error = self._error
        if error is not None and not self._is_open:
            raise error
        if error is not None:
            raise AppCrashedError(f"the app crashed: {error!r}") from error
        if self._errors:
            raise AppCrashedError("; ".join(self._errors))

    def _what_is_left(self, patience_s: float) -> str:
        lag = self._lag()
        left = ", ".join(f"{place} by {behind}" for place, behind in sorted(lag.items()))
        return (
            f"the app is not at rest after {patience_s:.0f} s of virtual time: "
            + (f"it is behind in {left}. " if left else "it still waits for something. ")
            + "An agent may wait longer than that, or never finish an event; pipe with settle=False and advance()"
        )

    # --- records ------------------------------------------------------------------------------------------------------

    def pipe(
        self,
        topic: str | Any,
        value: Any = None,
        *,
        key: Any = None,
        timestamp: float | datetime | None = None,
        headers: Headers | None = None,
        partition: int | None = None,
        settle: bool = True,
    ) -> None:
        """Append a record to a topic and have the app process it.

        Args:
            topic: The topic's name, or its topic object.
            value: The value, of the topic's type. None is a tombstone.
            key: The key, likewise.
            timestamp: Event time in seconds since 1970 or as an aware datetime; now when None.
            headers: Record headers.
            partition: The partition to write to; by key when None.
            settle: False leaves the record to the next call that runs the app.

        Raises:
            UnknownTopicError: when the topic does not exist.
            TypeError: when the topic's types cannot serialize key or value.
        """
        self._check()
        found = self._topic(topic)
        self._brokers.check_topic(found.get_topic_name())
        encoded = encode(found, key, value)
        at_ms = round((self.now if timestamp is None else _seconds(timestamp)) * 1000)
        pairs = [(name, text.encode() if isinstance(text, str) else text) for name, text in (headers or {}).items()]
        self._brokers.append(found.get_topic_name(), encoded, at_ms, partition=partition, headers=tuple(pairs))
        if settle:
            self.settle()

    def pipe_all(self, topic: str | Any, records: Iterable[tuple[Any, Any]]) -> None:
        """Append pairs of key and value to a topic, then have the app process all of them."""
        for key, value in records:
            self.pipe(topic, value, key=key, settle=False)
        self.settle()

    def read(self, topic: str | Any) -> list[TestRecord]:
        """Return all records of a topic, partition by partition in the order of their offsets.

        A topic that nothing was written to is empty, whether it exists or not. Pass the topic object when the app's
        code does not refer to it, or its records are decoded as those of a topic without types.
        """
        self._check()
        return self._view.read(topic)

    def _topic(self, topic: str | Any) -> Any:
        return topic_object(self.apps, topic) if isinstance(topic, str) else topic

    def topic(self, topic: str | Any) -> DrivenTopic:
        """Return one topic, to pipe into and read from."""
        return DrivenTopic(self, topic)

    def table(self, table: str | Any, *, partition: int | None = None) -> dict[Any, Any]:
        """Return the committed rows of a table; of one partition when it is given.

        Rows of a windowed table have keys ``(key, (start, end))``. Rows of a Set table are sets.

        Raises:
            KeyError: when no app has a table of that name.
            ValueError: when several apps have such a table, or a key has rows in several partitions.
        """
        self._check()
        return self._view.table(table, partition=partition)

    def dead_letters(self) -> list[DeadLetter]:
        """Return the unresolved dead letters, in the order of topic, partition and offset."""
        self._check()
        return self._view.dead_letters()


class DrivenTopic:
    """Pipe into one topic and read from it."""

    def __init__(self, driver: TestDriver, topic: str | Any) -> None:
        self._driver, self._topic = driver, topic

    def pipe(self, value: Any = None, **options: Any) -> None:
        """Append a record; see `TestDriver.pipe`."""
        self._driver.pipe(self._topic, value, **options)

    def read(self) -> list[TestRecord]:
        """Return all records; see `TestDriver.read`."""
        return self._driver.read(self._topic)


def _shards(count: int) -> list[Shard]:
    return [Shard(number, count) for number in range(count)]


def _made(apps: Iterable[faust.App | Callable[[], faust.App]], shards: int) -> list[faust.App]:
    """Return the apps of one worker.

    Raises:
        ValueError: several brokers need several apps, and one is given.
    """
    if shards > 1 and any(isinstance(app, faust.App) for app in apps):
        raise ValueError("each broker has a worker with an app of its own: pass a function that makes the app")
    return [app if isinstance(app, faust.App) else app() for app in apps]


def _seconds(moment: float | datetime) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)
