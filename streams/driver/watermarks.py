"""Which events are finished, and below which offset all are. Pure bookkeeping; offsets are dense."""

from __future__ import annotations

from collections.abc import Iterable

from faust.types import TP


class _Partition:
    """One partition: everything below `watermark` is finished, and so is what stands in `ahead`."""

    __slots__ = ("ahead", "committed", "gaps", "next_offset", "stands", "watermark")

    def __init__(self, base: int, *, stands: bool) -> None:
        self.committed = base
        self.stands = stands
        self.watermark = base
        self.next_offset = base
        self.ahead: set[int] = set()
        self.gaps: dict[int, int] = {}

    def in_flight(self) -> int:
        return (
            self.next_offset - self.watermark - len(self.ahead) - sum(end - begin for begin, end in self.gaps.items())
        )

    def finish(self, offset: int) -> None:
        if offset >= self.watermark:
            self.ahead.add(offset)

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
        """Offsets that need not be waited for stand as gaps, whether finished or trimmed."""
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


class Watermarks:
    """The committable offset of each partition: the lowest one whose event is not finished.

    Takes the place of Faust's list of acked offsets, which can commit past an event still in flight and forgets acks at
    a rebalance.
    """

    def __init__(self) -> None:
        self._partitions: dict[TP, _Partition] = {}

    def __contains__(self, tp: TP) -> bool:
        return tp in self._partitions

    def reset(self, tp: TP, committed: int, *, stands: bool = True) -> None:
        """Start anew at an offset (the next one to process); `stands` when the broker has it as committed."""
        self._partitions[tp] = _Partition(committed, stands=stands)

    def forget(self, tps: Iterable[TP]) -> None:
        """Drop partitions that are no longer ours."""
        for tp in tps:
            self._partitions.pop(tp, None)

    def skip(self, tp: TP, offset: int) -> None:
        """Note that the offsets up to this one are gone from the log: nobody can process them."""
        partition = self._partitions[tp]
        partition.gaps[partition.next_offset] = offset
        partition.next_offset = offset
        partition.advance()

    def deliver(self, tp: TP, offset: int) -> None:
        """Note that an event goes to its agents.

        Raises:
            AssertionError: when it is not the next one: an event would be lost or doubled.
        """
        partition = self._partitions[tp]
        if offset != partition.next_offset:
            raise AssertionError(f"offset {offset} of {tp} delivered where {partition.next_offset} was next")
        partition.next_offset = offset + 1

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
            partition.committed = max(partition.committed, offset)
            partition.stands = True

    def standing(self, tps: Iterable[TP]) -> dict[TP, int]:
        """What the broker must have as committed, for those of the partitions where it has something."""
        return {tp: p.committed for tp in tps if (p := self._partitions.get(tp)) is not None and p.stands}

    def in_flight(self) -> int:
        """How many delivered events are not finished, in all partitions."""
        return sum(partition.in_flight() for partition in self._partitions.values())

    def busy(self) -> bool:
        """Whether any delivered event is not finished."""
        return any(partition.in_flight() for partition in self._partitions.values())
