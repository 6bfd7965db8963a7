"""Merge the fetched records of the topics of one partition number in the order of their append numbers. Does no I/O.

A topic is known up to a number when every record up to it has been fetched. A read that was not cut makes its topic
known up to the highest number ever seen, because a later record gets a higher one. So a record is next when its number
is the lowest that waits, and every other topic is known up to it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from faust.types import TP

from faust_redis.log import StoredRecord

_order = attrgetter("order")

UNKNOWN = -1


class Run(NamedTuple):
    """Consecutive records in append order of one topic."""

    tp: TP
    records: int


class AppendOrder:
    """The fetched records that wait for their turn.

    Attributes:
        waiting: The records by partition, in offset order.
    """

    def __init__(self) -> None:
        self.waiting: dict[TP, list[StoredRecord]] = {}
        self._known: dict[TP, int] = {}
        self._seen: dict[int, int] = {}

    def clear(self) -> None:
        """Forget everything. The caller fetches again from its positions."""
        self.waiting.clear()
        self._known.clear()
        self._seen.clear()

    def forget(self, tp: TP) -> None:
        """Forget a partition, which the caller fetches again from another offset."""
        self.waiting.pop(tp, None)
        self._known.pop(tp, None)

    def add(self, tps: Iterable[TP], found: dict[TP, list[StoredRecord]], cut: Container[TP]) -> None:
        """Add what one read of some partitions has found.

        Args:
            tps: The partitions that were read at the same moment.
            found: The records of those that had some.
            cut: The partitions that may have had more records at that moment.
        """
        for tp, records in found.items():
            assert tp not in self.waiting, f"{tp} was fetched while its records wait"
            self.waiting[tp] = records
            self._seen[tp.partition] = max(self._seen.get(tp.partition, 0), *map(_order, records))
        for tp in tps:
            if tp not in cut:
                self._known[tp] = self._seen.get(tp.partition, 0)
            elif tp in found:
                self._known[tp] = found[tp][-1].order

    def next_run(self, tps: Sequence[TP]) -> Run | None:
        """Return the next records of one partition number; None when none waits, or the order is not known yet.

        Args:
            tps: The partitions of all topics with this number. Records without a number come first, topic by topic.
        """
        heads = sorted((self.waiting[tp][0].order, tp) for tp in tps if tp in self.waiting)
        if not heads:
            return None
        tp = heads[0][1]
        bound = min((self._known.get(each, UNKNOWN) for each in tps if each not in self.waiting), default=1 << 63)
        if len(heads) > 1:
            order, other = heads[1]
            bound = min(bound, order if order == 0 and tp < other else order - 1)
        count = bisect_right(self.waiting[tp], bound, key=_order)
        return Run(tp, count) if count else None

    def take(self, run: Run) -> list[StoredRecord]:
        """Remove and return the records of a run."""
        waiting = self.waiting[run.tp]
        taken, rest = waiting[: run.records], waiting[run.records :]
        if rest:
            self.waiting[run.tp] = rest
        else:
            del self.waiting[run.tp]
        return taken
