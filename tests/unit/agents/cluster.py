"""All domains in one process over dictionaries: P partitions, events routed by key, delivered in append order.

Each partition has one log of all topics, as the brokers' append order gives it. Each domain reads that log at its own
pace. Without a `random`, a domain handles each record as soon as all earlier ones of all partitions are handled. With a
`random`, the domains and partitions advance in a random order and in batches of random sizes.

Topics are checked as the wiring checks them: a domain appends only what its declaration names, from the named causes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple, TypeVar

from faust_redis.log.partitioner import partition_for

from agents.registry import handlers_of
from agents.rulebook import Rulebook, packaged_rulebook
from agents.wiring import Broadcast, Together
from streams.events import AnyEvent, Event, EventData, decode, encode
from streams.events.clock import ticked
from streams.ids import uuid7
from streams.times import Instant
from streams.topology import TableSpec
from tables.domains import TOPOLOGY
from tables.row import Row
from tables.rows_in_memory import RowsInMemory
from tables.typed import BytesMap

RowT = TypeVar("RowT", bound=Row)
DataT = TypeVar("DataT", bound=EventData)

STEPS_MAX = 100_000
"""Records that one run may handle. More means that domains answer each other without end."""


class Worker:
    """One domain in one partition: its handlers and tables, and how far it has read the partition's log."""

    def __init__(self, name: str, rulebook: Rulebook, *, at_least_once: bool) -> None:
        self.maps: dict[str, RowsInMemory] = defaultdict(RowsInMemory)
        self.domain = TOPOLOGY.domain(name)
        self.position = 0
        made = handlers_of(name)(self.open, rulebook, at_least_once=at_least_once)
        self.tables, self.handlers = made.tables, made.by_topic

    def open(self, spec: TableSpec[Any]) -> BytesMap:
        return self.maps[spec.name]

    def handle(self, topic: str, records: Sequence[AnyEvent]) -> list[AnyEvent]:
        """Handle a batch of records of one topic; return the events that follow."""
        handler = self.handlers[topic]
        assert not isinstance(handler, Broadcast)
        events = [decode(encode(record)) for record in records]
        with self.tables.batch():
            if isinstance(handler, Together):
                effects = handler.handle(events)
            else:
                effects = [effect for event in events for effect in handler(event)]
        for effect in effects:
            causes = self.domain.produces.get(effect.data.topic, ())
            assert topic in causes, f"{self.domain.name} declares no {effect.data.topic} from {topic}"
        return effects


class Record(NamedTuple):
    """A record of a partition's log. Numbers count over all partitions, in the order of appending."""

    number: int
    topic: str
    event: AnyEvent


class Cluster:
    """Every domain over some partitions.

    Attributes:
        events: All events since the start, in the order of their appending; each copy of a broadcast counts.
        logs: The log of each partition.
    """

    def __init__(
        self,
        partitions: int = 4,
        rulebook: Rulebook | None = None,
        *,
        random: Random | None = None,
        at_least_once: bool = False,
    ) -> None:
        self.rulebook = rulebook or packaged_rulebook()
        self.partitions = partitions
        self.random = random
        self.logs: list[list[Record]] = [[] for _ in range(partitions)]
        self.events: list[AnyEvent] = []
        self.workers = [
            {name: Worker(name, self.rulebook, at_least_once=at_least_once) for name in TOPOLOGY.names}
            for _ in range(partitions)
        ]
        self._at_least_once = at_least_once
        self._made = 0

    # --- events in ----------------------------------------------------------------------------------------------------

    def send(self, data: EventData, key: str, at: str | Instant, event_id: str = "") -> list[AnyEvent]:
        """Append a command or a fact, and handle all that follows; return the events that followed."""
        self.post(data, key, at, event_id)
        return self.run()

    def post(self, data: EventData, key: str, at: str | Instant, event_id: str = "") -> AnyEvent:
        """Append a command or a fact. `run` handles it."""
        time = at if isinstance(at, Instant) else Instant.parse(at)
        event_id = event_id or self._new_id(time)
        event = Event.first(data, event_id=event_id, time=time, key=key, rules_version=self.rulebook.version)
        self._append(event, self.partition_of(key))
        return event

    def tick(self, at: str | Instant) -> list[AnyEvent]:
        """Tick in every partition, and handle all that follows; return the events that followed."""
        self.post_tick(at)
        return self.run()

    def post_tick(self, at: str | Instant) -> None:
        """Append one tick to every partition, under one id. `run` handles it."""
        time = at if isinstance(at, Instant) else Instant.parse(at)
        for partition in range(self.partitions):
            tick = ticked(time, self.rulebook.version, partition=partition, partitions=self.partitions)
            self._append(tick, partition)

    def repeat(self, event: AnyEvent) -> list[AnyEvent]:
        """Append an event again, as a client does that retries, and handle all that follows."""
        self._append(event, self.partition_of(event.partitionkey))
        return self.run()

    def run(self) -> list[AnyEvent]:
        """Handle everything that was appended and all that follows; return the events that followed."""
        before = len(self.events)
        for _ in range(STEPS_MAX):
            if not self.step():
                return self.events[before:]
        raise AssertionError(f"not quiet after {STEPS_MAX} steps")

    def step(self) -> bool:
        """Let one domain handle its next records in one partition. Return whether there were any."""
        waiting = [
            (record.number, partition, name)
            for partition, workers in enumerate(self.workers)
            for name, worker in workers.items()
            if (record := self._next(partition, worker)) is not None
        ]
        if not waiting:
            return False
        _, partition, name = self.random.choice(waiting) if self.random else min(waiting)
        self._handle(partition, self.workers[partition][name])
        return True

    # --- rows out -----------------------------------------------------------------------------------------------------

    def row(self, spec: TableSpec[RowT], key: str, owner: str = "") -> RowT | None:
        """Return a row from the partition of its key, or of `owner` where the key begins with another id."""
        assert spec.model is not None
        raw = self.workers[self.partition_of(owner or key)][spec.domain].maps[spec.name].get(key.encode())
        return None if raw is None else spec.model.load(raw)

    def rows(self, spec: TableSpec[RowT]) -> dict[str, RowT]:
        """Return the rows of all partitions by key, and refuse a key that has a row in several partitions."""
        found: dict[str, RowT] = {}
        for rows in self.rows_by_partition(spec):
            assert not found.keys() & rows.keys(), f"{spec.name} has a row in several partitions"
            found |= rows
        return found

    def rows_by_partition(self, spec: TableSpec[RowT]) -> list[dict[str, RowT]]:
        """Return the rows of each partition by key."""
        assert spec.model is not None
        load = spec.model.load
        stored = [workers[spec.domain].maps[spec.name] for workers in self.workers]
        return [{key.decode(): load(raw) for key, raw in rows.items()} for rows in stored]

    def partition_of(self, key: str) -> int:
        """Return the partition of a key."""
        return partition_for(key.encode(), self.partitions)

    def stored(self, domain: str) -> list[dict[str, dict[bytes, bytes]]]:
        """Return the tables of a domain in each partition, as they are stored."""
        return [_tables(workers[domain]) for workers in self.workers]

    def replayed(self, domain: str) -> list[dict[str, dict[bytes, bytes]]]:
        """Handle what a domain has read once more, with empty tables; return the tables that this gives."""
        found = []
        for log, workers in zip(self.logs, self.workers, strict=True):
            again = Worker(domain, self.rulebook, at_least_once=self._at_least_once)
            for record in log[: workers[domain].position]:
                if record.topic in again.handlers and not isinstance(again.handlers[record.topic], Broadcast):
                    again.handle(record.topic, [record.event])
            found.append(_tables(again))
        return found

    def repeated(self, domain: str) -> list[AnyEvent]:
        """Handle what a domain has read once more, with its tables as they are; return what follows."""
        return [
            effect
            for log, workers in zip(self.logs, self.workers, strict=True)
            for record in log[: workers[domain].position]
            if record.topic in workers[domain].handlers
            for effect in workers[domain].handle(record.topic, [record.event])
        ]

    # --- inside -------------------------------------------------------------------------------------------------------

    def _new_id(self, time: Instant) -> str:
        self._made += 1
        return uuid7(time.milliseconds(), self._made.to_bytes(10))

    def _append(self, event: AnyEvent, partition: int, topic: str = "") -> None:
        number = len(self.events)
        self.events.append(event)
        self.logs[partition].append(Record(number, topic or event.data.topic, event))

    def _next(self, partition: int, worker: Worker) -> Record | None:
        """Return the next record of the topics that a domain consumes."""
        log = self.logs[partition]
        while worker.position < len(log) and log[worker.position].topic not in worker.handlers:
            worker.position += 1
        return log[worker.position] if worker.position < len(log) else None

    def _handle(self, partition: int, worker: Worker) -> None:
        record = self._next(partition, worker)
        assert record is not None
        handler = worker.handlers[record.topic]
        if isinstance(handler, Broadcast):
            worker.position += 1
            for number in range(self.partitions):
                self._append(record.event, number, handler.topic)
            return
        batch = self._batch(partition, worker, record.topic)
        for effect in worker.handle(record.topic, batch):
            self._append(decode(encode(effect)), self.partition_of(effect.partitionkey))

    def _batch(self, partition: int, worker: Worker, topic: str) -> list[AnyEvent]:
        """Take the next record, and with a `random` some that follow it in the same topic."""
        size = self.random.randint(1, 4) if self.random else 1
        taken: list[AnyEvent] = []
        while len(taken) < size and (record := self._next(partition, worker)) and record.topic == topic:
            taken.append(record.event)
            worker.position += 1
        return taken


def _tables(worker: Worker) -> dict[str, dict[bytes, bytes]]:
    return {name: dict(rows) for name, rows in worker.maps.items() if rows}


def of_type(events: Sequence[AnyEvent], model: type[DataT]) -> list[DataT]:
    """Return the data of the events of one type."""
    return [event.data for event in events if isinstance(event.data, model)]
