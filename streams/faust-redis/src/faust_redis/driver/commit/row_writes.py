"""Prepare the rows and records of a commit, and apply them to the table stores after the commit."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Protocol

from faust.types import TP

from faust_redis.driver.commit.outputs import Changed, Output, OutputColumns, Place
from faust_redis.driver.state.stores import Checkpoint, CommittedStore
from faust_redis.log import Rows, TopicInfo


class Topics(Protocol):
    """Topics, as the committer needs them."""

    async def ensure(self, name: str) -> TopicInfo:
        """Return a topic; create it when the app may."""

    def partition(self, topic: str, key: bytes | None) -> int:
        """Return the partition of a key."""

    def incarnation(self, topic: str) -> str:
        """Return the incarnation id of a known topic."""


class Tables(Protocol):
    """The app's tables, as the committer needs them."""

    def changelogs(self) -> Container[str]:
        """Return the names of the changelog topics."""

    def stores(self) -> Mapping[str, CommittedStore]:
        """Return the stores that keep uncommitted writes apart, by changelog topic."""


class Owner(Protocol):
    """The partitions that this member owns."""

    def holds(self, tp: TP) -> bool:
        """Return whether a partition is assigned to this member."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The sources of time and random names, which a simulation replaces.

    Attributes:
        now_ms: Returns the wall-clock time in milliseconds, for changelog rows.
        new_writer: Returns a writer name that was never used before; see `Checkpoint`.
    """

    now_ms: Callable[[], int]
    new_writer: Callable[[], bytes]


class RowWrites:
    """Prepares and applies the rows and records that a member writes in its present assignment.

    Attributes:
        writer: The name of this assignment in the changelogs; see `Checkpoint`.
    """

    def __init__(self, topics: Topics, tables: Tables, owner: Owner, clock: Clock) -> None:
        self._topics = topics
        self._tables = tables
        self._owner = owner
        self._clock = clock
        self.writer = b""

    def begin(self) -> None:
        """Draw a new writer name for a new assignment."""
        self.writer = self._clock.new_writer()

    async def complete(self, outputs: list[Output]) -> None:
        """Set the partition, writer and cleanup policy of each record.

        Raises:
            AssertionError: a record is a table row in a partition that this member does not own.
        """
        infos = {topic: await self._topics.ensure(topic) for topic in {output.topic for output in outputs}}
        changelogs = self._tables.changelogs()
        writers = {topic: self.writer if topic in changelogs else b"" for topic in infos}
        compacted = {topic for topic, info in infos.items() if info.spec.compacted}
        checked: set[Place] = set()
        for output in outputs:
            topic = output.topic
            output.compacted = topic in compacted
            if output.partition is None:
                output.partition = self._topics.partition(topic, output.key)
            output.writer = writers[topic]
            if output.writer and (topic, output.partition) not in checked:
                self._check_owned(topic, output.partition)
                checked.add((topic, output.partition))

    async def ensure_topics(self, columns: list[OutputColumns]) -> None:
        """Create the topics of columns where they are missing and the app may."""
        for topic in {each.topic for each in columns}:
            await self._topics.ensure(topic)

    async def rows(self, changed: dict[Place, Changed]) -> list[Rows]:
        """Return changed rows in the form that the log writes.

        Raises:
            AssertionError: this member does not own their partition.
        """
        if not changed:
            return []
        now_ms = self._clock.now_ms()
        rows = []
        for (topic, partition), changes in changed.items():
            await self._topics.ensure(topic)
            self._check_owned(topic, partition)
            items = [(key, value) for key, (_, value) in changes.items()]
            rows.append(Rows(topic, partition, items, now_ms, self.writer))
        return rows

    def _check_owned(self, topic: str, partition: int) -> None:
        if not self._owner.holds(TP(topic, partition)):
            raise AssertionError(f"this member was to write a row of {topic!r}:{partition}, which it does not own")

    def apply_records(self, outputs: list[Output], offsets: tuple[int, ...]) -> None:
        """Apply committed changelog records to the stores."""
        changes: dict[Place, list[tuple[bytes, bytes | None]]] = {}
        last: dict[Place, int] = {}
        stores = self._tables.stores()
        for output, offset in zip(outputs, offsets, strict=True):
            if output.topic in stores and output.key is not None and output.partition is not None:
                place = output.topic, output.partition
                changes.setdefault(place, []).append((output.key, output.value))
                last[place] = offset
        for (topic, partition), items in changes.items():
            checkpoint = Checkpoint(self._topics.incarnation(topic), last[topic, partition], self.writer)
            stores[topic].on_committed(TP(topic, partition), items, checkpoint)

    def apply_rows(self, written: list[Rows], last: tuple[int, ...]) -> None:
        """Apply committed rows to the stores."""
        stores = self._tables.stores()
        for rows, offset in zip(written, last, strict=True):
            checkpoint = Checkpoint(self._topics.incarnation(rows.topic), offset, self.writer)
            stores[rows.topic].on_committed(TP(rows.topic, rows.partition), rows.items, checkpoint)
