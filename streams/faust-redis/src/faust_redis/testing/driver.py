"""A test driver for Faust apps, like Kafka Streams' TopologyTestDriver: no broker, virtual time, plain functions."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import Any, Self

import faust

from faust_redis.dead_letters import DeadLetter
from faust_redis.testing import internals
from faust_redis.testing.broker import Broker
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
"""When a world begins unless the test says so: 2026-01-01 00:00 UTC."""

PATIENCE_S = 120.0
"""Virtual seconds that the app may take to start, or to process what was piped in."""

Headers = Mapping[str, bytes | str]


class TestDriver:
    """Run one Faust app in virtual time.

    Use it as a context manager. The app starts on entry and stops on exit; it can be driven again by another driver.
    Every method returns when the app is at rest: it has processed and committed all records of all its topics.

    Args:
        app: The app, as a worker would run it.
        start: What the wall clock shows at the beginning, in seconds since 1970 or as an aware datetime.
        seed: Decides what random numbers the app draws.
    """

    __test__ = False

    def __init__(self, app: faust.App, *, start: float | datetime = START_S, seed: int = 0) -> None:
        self.app = app
        self._rng = Random(seed)
        self._agenda = Agenda(Random(seed))
        self._clock = Clock(_seconds(start), lambda: self._agenda.now_us)
        self._server = Server(self._clock.server_ms)
        self._network = QuietNetwork(self._agenda, self._server)
        self._broker = Broker(self._server)
        self._view = View(app, self._broker)
        self._errors: list[str] = []
        self._worker: Worker | None = None
        self._is_open = False

    # --- life ---------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Start the app and wait until its tables are recovered.

        Raises:
            AlreadyStartedError: when the app runs already.
            Exception: what the app's start raises.
        """
        if internals.has_started(self.app):
            raise AlreadyStartedError(
                f"app {self.app.conf.id!r} runs already; end the worker or the other test driver first"
            )
        self._snapshot = internals.Snapshot(self.app)
        self._substitutes = Substitutes(self._clock, self._rng)
        disk = OpenDisk(Disk())
        self._worker = Worker(self.app, "driver", Place(self._agenda, self._network, disk), self._errors.append)
        try:
            with self._substitutes.active():
                self._worker.start()
            self._run(lambda: self._is_ready)
            self._clock.begin()
            self.settle()
        except BaseException:
            self._end()
            raise
        self._is_open = True
        return self

    def __exit__(self, *error: object) -> None:
        """Stop the app.

        Raises:
            AppCrashedError: when a task of the app failed since the last call.
        """
        try:
            if error[0] is None:
                self._check()
            with suppress(NotSettledError):
                self._run(self._call(self.app.stop).done, check=False)
        finally:
            self._end()

    def _end(self) -> None:
        with self._substitutes.active():
            self._running.end()
        self._snapshot.restore()
        self._worker, self._is_open = None, False
        gc.collect(0)

    @property
    def _running(self) -> Worker:
        if self._worker is None:
            raise RuntimeError("the test driver is not open; use it in a with statement")
        return self._worker

    @property
    def _is_ready(self) -> bool:
        return self._running.is_ready

    # --- time ---------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """What the wall clock shows, in seconds since 1970."""
        return self._clock.time()

    def advance(self, seconds: float) -> None:
        """Let wall-clock time pass: timers, crontabs and sleeping tasks run, and windows of idle partitions close."""
        until_us = self._agenda.now_us + int(seconds * 1e6)
        self._running.loop.call_at(until_us / 1e6, lambda: None)
        self._run(lambda: self._agenda.now_us >= until_us, patience_s=seconds + 1)
        self.settle()

    def advance_event_time(self, seconds: float) -> None:
        """Move the event time of every window forward, and close the windows that are over by then.

        Wall-clock time stands still: no timer runs. A partition without windows has no event time to move.
        """
        self._clock.event_time_ahead_s += seconds
        self.run(self._close_windows)
        self.settle()

    async def _close_windows(self) -> None:
        for table in internals.windowed_tables(self.app):
            await internals.close_windows(table)

    def run(self, what: Callable[[], Awaitable[Any]] | Awaitable[Any]) -> Any:
        """Run a coroutine in the app's event loop, for example ``driver.run(agent.ask(1))``, and return its result.

        Raises:
            NotSettledError: when it does not end within two minutes of virtual time.
        """
        task = self._call(what if callable(what) else lambda: what)
        self._run(task.done)
        self.settle()
        return task.result()

    def _call(self, what: Callable[[], Awaitable[Any]]) -> asyncio.Task[Any]:
        with self._substitutes.active():
            return self._running.call(what)

    def settle(self) -> None:
        """Run the app until it has processed and committed every record of its topics.

        Raises:
            NotSettledError: when it does not come to rest within two minutes of virtual time.
            AppCrashedError: when the app, or a task in it, ends with an error.
        """
        self._run(lambda: self._is_ready and not self._lag())

    def _lag(self) -> dict[tuple[str, int], int]:
        # Faust registers a reply topic twice and reads it once, so the app never finishes a reply.
        replies = self.app.conf.reply_to_prefix
        lag = self._broker.lag(self.app.conf.id)
        return {place: behind for place, behind in lag.items() if not place[0].startswith(replies)}

    def _run(self, until: Callable[[], bool], *, patience_s: float = PATIENCE_S, check: bool = True) -> None:
        give_up_us = self._agenda.now_us + int(patience_s * 1e6)
        with self._substitutes.active():
            self._network.tell()
            while not (until() and self._agenda.next_us() != self._agenda.now_us):
                if self._agenda.now_us > give_up_us or self._agenda.next_us() is None:
                    self._check()
                    raise NotSettledError(self._what_is_left(patience_s))
                self._agenda.step()
                if check and (self._errors or self._running.error is not None):
                    break
        if check:
            self._check()

    def _check(self) -> None:
        error = self._running.error
        if error is not None and not self._is_open:
            raise error
        if error is not None:
            raise AppCrashedError(f"the app crashed: {error!r}") from error
        if self._errors:
            raise AppCrashedError("; ".join(self._errors))

    def _what_is_left(self, patience_s: float) -> str:
        lag = self._lag()
        left = ", ".join(f"{topic}:{partition} by {behind}" for (topic, partition), behind in sorted(lag.items()))
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
        self._broker.check_topic(found.get_topic_name())
        encoded = encode(self.app, found, key, value)
        at_ms = round((self.now if timestamp is None else _seconds(timestamp)) * 1000)
        pairs = [(name, text.encode() if isinstance(text, str) else text) for name, text in (headers or {}).items()]
        self._broker.append(found.get_topic_name(), encoded, at_ms, partition=partition, headers=tuple(pairs))
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
        return topic_object(self.app, topic) if isinstance(topic, str) else topic

    def topic(self, topic: str | Any) -> DrivenTopic:
        """Return one topic, to pipe into and read from."""
        return DrivenTopic(self, topic)

    def table(self, table: str | Any) -> dict[Any, Any]:
        """Return the committed rows of a table.

        Rows of a windowed table have keys ``(key, (start, end))``. Rows of a Set table are sets.
        """
        self._check()
        return self._view.table(table)

    def dead_letters(self) -> list[DeadLetter]:
        """Return the dead letters that stand, in the order of topic, partition and offset."""
        self._check()
        return self._view.dead_letters()


class DrivenTopic:
    """One topic under a test driver."""

    def __init__(self, driver: TestDriver, topic: str | Any) -> None:
        self._driver, self._topic = driver, topic

    def pipe(self, value: Any = None, **options: Any) -> None:
        """Append a record; see `TestDriver.pipe`."""
        self._driver.pipe(self._topic, value, **options)

    def read(self) -> list[TestRecord]:
        """Return all records; see `TestDriver.read`."""
        return self._driver.read(self._topic)


def _seconds(moment: float | datetime) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)
