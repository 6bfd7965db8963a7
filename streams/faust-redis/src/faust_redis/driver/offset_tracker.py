"""Which events are finished, and below which offset all are. Pure bookkeeping; offsets are dense."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from faust.types import TP

from faust_redis.log import Preconditions, StoredRecord


class _Partition:
    """One partition: everything below `watermark` is finished, and so is what stands in `ahead`."""

    __slots__ = ("ahead", "committed", "gaps", "next_offset", "values", "watermark")

    def __init__(self, base: int) -> None:
        self.committed = base
        self.watermark = base
        self.next_offset = base
        self.ahead: set[int] = set()
        self.gaps: dict[int, int] = {}
        self.values: dict[int, bytes | None] = {}

    def in_flight(self) -> int:
        return (
            self.next_offset - self.watermark - len(self.ahead) - sum(end - begin for begin, end in self.gaps.items())
        )

    def finish(self, offset: int) -> None:
        if offset == self.watermark and not self.ahead and not self.gaps:
            self.watermark += 1
        elif offset >= self.watermark:
            self.ahead.add(offset)

    def is_finished(self, offset: int) -> bool:
        return offset < self.watermark or offset in self.ahead or any(b <= offset < e for b, e in self.gaps.items())

    def reopen(self, offset: int) -> None:
        if offset in self.ahead:
            self.ahead.discard(offset)
        elif offset < self.watermark:
            self._run(offset + 1, self.watermark)
            self.watermark = offset
        else:
            for begin, end in self.gaps.items():
                if begin <= offset < end:
                    del self.gaps[begin]
                    self._run(begin, offset)
                    self._run(offset + 1, end)
                    return

    def _run(self, begin: int, end: int) -> None:
        """Finished offsets that stand together, above an open one."""
        if begin < end:
            self.gaps[begin] = end

    def advance(self) -> None:
        mark = self.watermark
        while True:
            if mark in self.ahead:
                self.ahead.discard(mark)
                mark += 1
            elif mark in self.gaps:
                mark = self.gaps.pop(mark)
            else:
                break
        self.watermark = mark


class OffsetTracker:
    """The committable offset of each partition: the lowest one whose event is not finished.

    Takes the place of Faust's list of acked offsets, which can commit past an event still in flight and forgets acks at
    a rebalance.
    """

    def __init__(self) -> None:
        self._partitions: dict[TP, _Partition] = {}

    def __contains__(self, tp: TP) -> bool:
        return tp in self._partitions

    def reset(self, tp: TP, committed: int) -> None:
        """Start anew at the offset that the broker has as committed (the next one to process)."""
        self._partitions[tp] = _Partition(committed)

    def forget(self, tps: Iterable[TP]) -> None:
        """Drop partitions that are no longer ours."""
        for tp in tps:
            self._partitions.pop(tp, None)

    def deliver(self, tp: TP, offset: int, value: bytes | None = None) -> None:
        """Note that an event with this value goes to its agents.

        Raises:
            AssertionError: when it is not the next one: an event would be lost or doubled.
        """
        partition = self._partitions[tp]
        if offset != partition.next_offset:
            raise AssertionError(f"offset {offset} of {tp} delivered where {partition.next_offset} was next")
        partition.next_offset = offset + 1
        partition.values[offset] = value

    def deliver_run(self, tp: TP, records: Sequence[StoredRecord]) -> None:
        """Note that events go to their agents, which follow one another; see `deliver`."""
        partition = self._partitions[tp]
        first, last = records[0].offset, records[-1].offset
        if first != partition.next_offset or last - first != len(records) - 1:
            raise AssertionError(f"offsets {first} to {last} of {tp} delivered where {partition.next_offset} was next")
        partition.next_offset = last + 1
        partition.values.update((record.offset, record.value) for record in records)

    def finish(self, tp: TP, offsets: Iterable[int]) -> None:
        """Note finished events; unknown partitions are ignored (their events will be processed again elsewhere)."""
        partition = self._partitions.get(tp)
        if partition is not None:
            for offset in offsets:
                partition.finish(offset)
            partition.advance()

    def reopen(self, tp: TP, offset: int) -> None:
        """Note that an event is not finished after all: it will be processed again.

        Raises:
            AssertionError: when it is committed already: it would have two effects.
        """
        partition = self._partitions[tp]
        if offset < partition.committed:
            raise AssertionError(f"offset {offset} of {tp} reopened below {partition.committed}, which is committed")
        partition.reopen(offset)

    def finish_one(self, tp: TP, offset: int) -> None:
        """Note one finished event; see `finish`."""
        partition = self._partitions.get(tp)
        if partition is not None:
            partition.finish(offset)
            if partition.ahead or partition.gaps:
                partition.advance()

    def is_finished(self, tp: TP, offset: int) -> bool:
        """Whether an event is finished; so are those of unknown partitions, here."""
        partition = self._partitions.get(tp)
        return partition is None or partition.is_finished(offset)

    def watermark(self, tp: TP) -> int:
        """All offsets below are finished."""
        partition = self._partitions.get(tp)
        return partition.watermark if partition is not None else 0

    def committed(self, tp: TP) -> int:
        """The committed offset: the next one a new owner would process."""
        partition = self._partitions.get(tp)
        return partition.committed if partition is not None else 0

    def committable(self) -> dict[TP, int]:
        """Partitions whose watermark lies above what is committed."""
        return {tp: p.watermark for tp, p in self._partitions.items() if p.watermark > p.committed}

    def commit(self, tp: TP, offset: int) -> None:
        """Note a committed offset."""
        partition = self._partitions.get(tp)
        if partition is not None:
            for passed in range(partition.committed, offset):
                partition.values.pop(passed, None)
            partition.committed = max(partition.committed, offset)

    def preconditions(self, tp: TP, offset: int) -> Preconditions:
        """What the broker must have for an offset to be committed: the last commit, and the event that it passes."""
        partition = self._partitions[tp]
        value = partition.values.get(offset - 1) or b""
        return Preconditions(partition.committed, hashlib.sha1(value, usedforsecurity=False).hexdigest())

    def in_flight(self) -> int:
        """How many delivered events are not finished, in all partitions."""
        return sum(partition.in_flight() for partition in self._partitions.values())

    def busy(self) -> bool:
        """Whether any delivered event is not finished."""
        return any(partition.in_flight() for partition in self._partitions.values())
