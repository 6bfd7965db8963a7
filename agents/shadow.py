"""Replay recorded events through the installed rules: all partitions of some domains, without Faust and without writes.

A domain's events go to other domains in the recorded order. When the installed rules produce an event with other
content, the replay handles that event in place of the recorded one. It leaves out an event that the rules no longer
produce, and handles an event that only they produce at its event time.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b
from typing import Final, NamedTuple

from faust_redis.log.partitioner import partition_for

from agents.fold import Fold
from agents.rulebook import Rulebook
from streams.events import AnyEvent, Event, decode, encode
from streams.topology import Topology

TURN_RECORDS: Final = 200
"""Records that a reader handles at most before the next one has its turn."""
EVERYONE: Final = -1
_VERSION: Final = re.compile(rb',"rulesversion":\d+')


class Status(Enum):
    """Whether the installed rules produced a recorded event.

    ``SAME``: yes, with the recorded content. ``GONE``: no, and the replay has left it out.
    """

    SAME = "same"
    GONE = "gone"
    LATE = "late"
    """The replay left it out, and the rules produced it afterwards, because another partition was slower."""


class Change(NamedTuple):
    """How an event of the installed rules differs from the recorded ones: ``new``, ``changed`` or ``gone``."""

    kind: str
    type: str


class Recorded(NamedTuple):
    """A recorded event, as a domain reads it.

    Attributes:
        topic: Its topic.
        event: The event.
        made: Whether the replay makes this event itself.
    """

    topic: str
    event: AnyEvent
    made: bool


@dataclass(slots=True)
class Failure:
    """An event that a rule raised on. A worker makes it a dead letter."""

    domain: str
    event: AnyEvent
    error: str


@dataclass(slots=True)
class Reader:
    """A domain in one partition: its tables, and the records that it has yet to handle."""

    domain: str
    partition: int
    fold: Fold
    records: AsyncIterator[Recorded]
    head: Recorded | None = None
    extras: deque[AnyEvent] = field(default_factory=deque)
    ended: bool = False

    @property
    def time(self) -> int:
        """Return the event time of what comes next. There must be something."""
        return min(event.time for event in (self.head and self.head.event, self.extras and self.extras[0]) if event)

    async def peek(self) -> Recorded | None:
        """Return the next record, or None at the end."""
        if self.head is None and not self.ended:
            self.head = await anext(self.records, None)
            self.ended = self.head is None
        return self.head


class Shadow:
    """The replay of some domains.

    Its memory is that of the rows, and some 200 bytes for each event that was read.

    Attributes:
        readers: The tables, by domain and partition.
        failures: The events that a rule raised on.
        read: The records read so far, once for each domain that reads them.
    """

    def __init__(self, topology: Topology, names: Iterable[str], partitions: int, rulebook: Rulebook) -> None:
        self.names = tuple(names)
        self.readers: dict[tuple[str, int], Reader] = {}
        self._changes: Counter[Change] = Counter()
        self.failures: list[Failure] = []
        self.read = 0
        self.made_topics = made_topics(topology, self.names)
        self._topology, self._partitions, self._rulebook = topology, partitions, rulebook
        self._bits = {name: 1 << number for number, name in enumerate(self.names)}
        self._statuses: dict[int, int | AnyEvent | Status] = {}
        """By id of a recorded event: the digest of its content until the rules produce it, then its status, or the
        produced event when its content differs."""
        self._handled: dict[int, tuple[str, int]] = {}
        """By id of a handled event: its topic, and the bits of the domains that handled it."""
        self._types: dict[int, str] = {}
        """The types of the recorded events that the replay has yet to make."""
        self._marks: dict[tuple[str, int], tuple[str, int]] = {}
        """Each value of `_handled` once."""

    @property
    def changes(self) -> Counter[Change]:
        """Return the events that differ, by kind and type. Those that were not made yet are gone."""
        return self._changes + Counter(Change("gone", kind) for kind in self._types.values())

    def expect(self, event_id: str, value: bytes, kind: str) -> None:
        """Note an event that the log has and that the replay should make."""
        number = _number(event_id)
        self._statuses[number] = _digest(value)
        self._types[number] = sys.intern(kind)

    def add(self, domain: str, partition: int, records: AsyncIterator[Recorded]) -> Fold:
        """Add a domain's partition with the records that it handled; return its empty tables."""
        fold = Fold(domain, self._rulebook)
        self.readers[domain, partition] = Reader(domain, partition, fold, records)
        return fold

    def resize(self, partitions: int) -> None:
        """Forget the readers, which have handled all their records. The next ones are of so many partitions."""
        self.readers.clear()
        self._partitions = partitions

    async def run(self, progress: Callable[[int], None]) -> None:
        """Handle all records. Call `progress` with the number of records read."""
        while True:
            ready = [reader for reader in self.readers.values() if await self._is_ready(reader)]
            if ready:
                horizon = min(reader.time for reader in ready)
                for reader in ready:
                    await self._turn(reader, horizon)
                progress(self.read)
            elif not self._leave_out():
                break

    async def _is_ready(self, reader: Reader) -> bool:
        """Return whether a reader has an event to handle. It waits for one that the replay has yet to make."""
        head = await reader.peek()
        return bool(reader.extras) or (head is not None and not self._is_awaited(head))

    def _is_awaited(self, record: Recorded) -> bool:
        return record.made and isinstance(self._statuses.get(_number(record.event.id)), int)

    async def _turn(self, reader: Reader, horizon: int) -> None:
        """Handle the events of a reader up to an event time, so that no reader is far ahead of the others."""
        for _ in range(TURN_RECORDS):
            if not await self._is_ready(reader) or reader.time > horizon:
                return
            record = reader.head
            if reader.extras and not (record and self._comes_first(record, reader.extras[0])):
                event = reader.extras.popleft()
                self._apply(reader, event.data.topic, event)
            elif record is not None:
                reader.head = None
                self.read += 1
                self._handle(reader, record)

    def _comes_first(self, record: Recorded, extra: AnyEvent) -> bool:
        return record.event.time <= extra.time and not self._is_awaited(record)

    def _handle(self, reader: Reader, record: Recorded) -> None:
        status = self._statuses.get(_number(record.event.id)) if record.made else None
        if status is None or status is Status.SAME:
            self._apply(reader, record.topic, record.event)
        elif isinstance(status, Event):
            self._pass_on(reader, status)

    def _pass_on(self, reader: Reader, event: AnyEvent) -> None:
        """Handle an event that differs from the recorded one, in the partition of its key."""
        partition = partition_for(event.partitionkey.encode(), self._partitions)
        if partition == reader.partition:
            self._apply(reader, event.data.topic, event)
        else:
            self.readers[reader.domain, partition].extras.append(event)

    def _apply(self, reader: Reader, topic: str, event: AnyEvent) -> None:
        try:
            effects = reader.fold.apply(topic, event).effects
        except Exception as exc:  # a worker makes the event a dead letter, whatever the error
            self.failures.append(Failure(reader.domain, event, f"{type(exc).__name__}: {exc}"))
            effects = []
        number = _number(event.id)
        mark = (topic, self._handled.get(number, (topic, 0))[1] | self._bits[reader.domain])
        self._handled[number] = self._marks.setdefault(mark, mark)
        for effect in effects:
            if effect.data.topic in self.made_topics:
                self._made(effect)

    def _made(self, event: AnyEvent) -> None:
        """Compare an event that the replay made with the recorded one of its id."""
        number = _number(event.id)
        status = self._statuses.get(number)
        if isinstance(status, int):
            same = status == _digest(encode(event))
            self._statuses[number] = Status.SAME if same else decode(encode(event))
            del self._types[number]
            if not same:
                self._changes[Change("changed", event.type)] += 1
        elif status is None:
            self._changes[Change("new", event.type)] += 1
            self._send(event)
        elif status is Status.GONE:
            self._statuses[number] = Status.LATE
            del self._types[number]
            self._send(event)

    def _send(self, made: AnyEvent) -> None:
        """Give an event that was not recorded, or not here, to the domains that consume it."""
        event = decode(encode(made))
        partition = partition_for(event.partitionkey.encode(), self._partitions)
        for domain in self._topology.consumers(event.data.topic):
            if domain.name in self._bits:
                self.readers[domain.name, partition].extras.append(event)

    # --- events that are no longer made -------------------------------------------------------------------------------

    def _leave_out(self) -> bool:
        """Leave out an event that a reader waits for and that no rule produces. Return whether there was one."""
        waiting = [reader.head for reader in self.readers.values() if reader.head is not None]
        if not waiting:
            return False
        gone = [record for record in waiting if self._cannot_come(record)]
        record = min(gone or waiting, key=lambda record: record.event.time)
        number = _number(record.event.id)
        self._statuses[number] = Status.GONE
        self._handled[number] = record.topic, EVERYONE
        return True

    def _cannot_come(self, record: Recorded) -> bool:
        """Return whether each domain that could make an event has handled its cause."""
        cause = record.event.causationid
        topic, handled = self._handled.get(_number(cause or ""), ("", 0))
        makers = [one for one in self._topology.producers(record.topic) if topic in one.produces[record.topic]]
        return handled == EVERYONE or (handled > 0 and all(handled & self._bits[one.name] for one in makers))


def made_topics(topology: Topology, names: Iterable[str]) -> frozenset[str]:
    """Return the topics whose events a replay of some domains makes itself.

    These domains alone produce them, and one of them consumes them. Events for clients alone, such as positions, are
    left out: there are as many as the workers had batches.
    """
    domains = [topology.domain(name) for name in names]
    return frozenset(
        topic
        for domain in domains
        for topic in domain.consumes
        if topic not in topology.broadcasts
        and (producers := topology.producers(topic))
        and all(one in domains for one in producers)
    )


def _number(event_id: str) -> int:
    """Return the random half of an id: a number that takes less memory."""
    return int(event_id[-17:].replace("-", "") or "0", 16)


def _digest(value: bytes) -> int:
    """Return a digest of an event's content. The version of the rule book does not count."""
    return int.from_bytes(blake2b(_VERSION.sub(b"", value), digest_size=7).digest())
