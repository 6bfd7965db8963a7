"""Which rows move when each partition is split into several."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from faust_redis.log.partitioner import partition_for


class NotReadyError(Exception):
    """The rows cannot be divided at this moment. The message says why."""


@dataclass(frozen=True, slots=True)
class Split:
    """Each of `old` partitions becomes several: partition p, and its children p + old, p + 2 old, … below `new`.

    A key of partition p belongs to p or one of its children, because a partition is a hash modulo their number.

    Raises:
        ValueError: `new` is no multiple of `old`, or not above it.
    """

    old: int
    new: int

    def __post_init__(self) -> None:
        if not 1 <= self.old < self.new or self.new % self.old:
            raise ValueError(f"expected a multiple of {self.old} partitions, got {self.new}")

    def family(self, parent: int) -> range:
        """Return a partition and its children."""
        return range(parent, self.new, self.old)

    def children(self, parent: int) -> range:
        """Return the children of a partition, which are new partitions."""
        return range(parent + self.old, self.new, self.old)

    def parent_of(self, partition: int) -> int:
        """Return the partition whose rows a partition gets. It is itself, if it is no new one."""
        return partition % self.old

    def partition(self, owner: str | bytes) -> int:
        """Return the partition of a key among the new ones."""
        return partition_for(owner.encode() if isinstance(owner, str) else owner, self.new)


class RowWrite(NamedTuple):
    """A row of a changelog to write, or without a value one to delete."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None


class Plan(Protocol):
    """What is written to the tables of one partition and its children, beside the rows that move one by one."""

    def see(self, topic: str, key: bytes, value: bytes) -> None:
        """Note a row of a planned topic. Each comes once."""

    def writes(self) -> Iterable[RowWrite]:
        """Return the writes, which follow from the rows as they were.

        Raises:
            NotReadyError: the rows cannot be divided now.
        """


class Layout(Protocol):
    """Says where the rows of the tables belong."""

    @property
    def planned(self) -> Collection[str]:
        """Return the changelogs whose rows a plan has to see."""

    def plan(self, split: Split, parent: int) -> Plan:
        """Return a plan for a partition that has seen no rows yet."""

    def moved(self, split: Split, parent: int, topic: str, key: bytes, value: bytes) -> Sequence[RowWrite]:
        """Return the writes that move a row of a partition; none for one that stays.

        They can be repeated. The last one deletes the row, so that a row that is there was not moved.
        """


class ByKey:
    """The layout of tables whose keys are the partition keys of the events that write them, as Faust asks for.

    Args:
        owner: Returns the partition key of a row; None for one that stays. By default it is the row's own key.
    """

    planned: Collection[str] = ()

    def __init__(self, owner: Callable[[str, bytes, bytes], bytes | None] = lambda _topic, key, _value: key) -> None:
        self._owner = owner

    def plan(self, split: Split, parent: int) -> Plan:
        """Return an empty plan."""
        del split, parent
        return _NoPlan()

    def moved(self, split: Split, parent: int, topic: str, key: bytes, value: bytes) -> Sequence[RowWrite]:
        """Return the writes that move a row to the partition of its owner."""
        owner = self._owner(topic, key, value)
        target = parent if owner is None else split.partition(owner)
        if target == parent:
            return ()
        return RowWrite(topic, target, key, value), RowWrite(topic, parent, key, None)


class _NoPlan:
    def see(self, topic: str, key: bytes, value: bytes) -> None:
        """Note nothing."""

    def writes(self) -> Iterable[RowWrite]:
        """Return nothing."""
        return ()
