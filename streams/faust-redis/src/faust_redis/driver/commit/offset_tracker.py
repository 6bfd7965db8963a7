"""Track the finished events of each partition, and the offset below which all are finished.

Offsets have no gaps. This file does no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from faust.types import TP

from faust_redis.driver.limits import EVIDENCE_BYTES_MAX, EVIDENCE_RECORDS_MAX
from faust_redis.log import Preconditions, StoredRecord
from faust_redis.log.records import ARCHIVED, evidence_of


class _Partition:
    """One partition: everything below `first_unfinished` is finished, and so are the offsets in `ahead` and `gaps`."""

    __slots__ = ("ahead", "committed", "evidence", "first_unfinished", "gaps", "next_offset")

    def __init__(self, base: int) -> None:
        self.committed = base
        self.first_unfinished = base
        self.next_offset = base
        self.ahead: set[int] = set()
        self.gaps: dict[int, int] = {}
        self.evidence: dict[int, bytes] = {}

    def in_flight(self) -> int:
        done = len(self.ahead) + sum(end - begin for begin, end in self.gaps.items())
        count = self.next_offset - self.first_unfinished - done
        assert count >= 0, f"{count} events in flight: more were finished than delivered"
        return count

    def finish(self, offset: int) -> None:
        if offset == self.first_unfinished and not self.ahead and not self.gaps:
            self.first_unfinished += 1
        elif offset >= self.first_unfinished:
            self.ahead.add(offset)

    def is_finished(self, offset: int) -> bool:
        return (
            offset < self.first_unfinished or offset in self.ahead or any(b <= offset < e for b, e in self.gaps.items())
        )

    def reopen(self, offset: int) -> None:
        if offset in self.ahead:
            self.ahead.discard(offset)
        elif offset < self.first_unfinished:
            self.finish_run(offset + 1, self.first_unfinished)
            self.first_unfinished = offset
        else:
            for begin, end in self.gaps.items():
                if begin <= offset < end:
                    del self.gaps[begin]
                    self.finish_run(begin, offset)
                    self.finish_run(offset + 1, end)
                    return

    def finish_run(self, begin: int, end: int) -> None:
        """Note consecutive finished offsets."""
        if begin < end:
            self.gaps[begin] = end

    def advance(self) -> None:
        mark = self.first_unfinished
        while True:
            if mark in self.ahead:
                self.ahead.discard(mark)
                mark += 1
            elif mark in self.gaps:
                mark = self.gaps.pop(mark)
            else:
                break
        self.first_unfinished = mark


class OffsetTracker:
    """The committable offset of each partition: the lowest offset whose event is not finished.

    This class replaces Faust's list of acked offsets. Faust's list can commit past an event in flight, and it forgets
    acks at a rebalance.
    """

    def __init__(self, is_trimmed: Callable[[str], bool] = lambda _: False) -> None:
        self._is_trimmed = is_trimmed
        """Whether a topic may lose records that this member has yet to commit: replies, which no group holds back."""
        self._partitions: dict[TP, _Partition] = {}

    def __contains__(self, tp: TP) -> bool:
        return tp in self._partitions

    def reset(self, tp: TP, committed: int) -> None:
        """Begin a partition at its committed offset (the next one to process)."""
        self._partitions[tp] = _Partition(committed)

    def forget(self, tps: Iterable[TP]) -> None:
        """Drop partitions that this member no longer owns."""
        for tp in tps:
            self._partitions.pop(tp, None)

    def deliver(self, tp: TP, offset: int, evidence: bytes = b"") -> None:
        """Note that the event of a record with this evidence is delivered to its agents.

        Raises:
            AssertionError: the offset is not the next one, so an event would be lost or duplicated.
        """
        partition = self._partitions[tp]
        if offset != partition.next_offset:
            raise AssertionError(f"offset {offset} of {tp} delivered where {partition.next_offset} was next")
        partition.next_offset = offset + 1
        partition.evidence[offset] = evidence

    def deliver_run(self, tp: TP, records: Sequence[StoredRecord]) -> None:
        """Note that consecutive events are delivered; see `deliver`."""
        partition = self._partitions[tp]
        first, last = records[0].offset, records[-1].offset
        if first != partition.next_offset or last - first != len(records) - 1:
            raise AssertionError(f"offsets {first} to {last} of {tp} delivered where {partition.next_offset} was next")
        partition.next_offset = last + 1
        partition.evidence.update((record.offset, record.evidence) for record in records)

    def finish(self, tp: TP, offsets: Iterable[int]) -> None:
        """Note finished events. Unknown partitions are ignored: their new owner processes the events again."""
        partition = self._partitions.get(tp)
        if partition is not None:
            for offset in offsets:
                partition.finish(offset)
            partition.advance()

    def finish_run(self, tp: TP, begin: int, end: int) -> None:
        """Note that the consecutive events from `begin` up to, but not including, `end` are finished."""
        partition = self._partitions[tp]
        partition.finish_run(begin, end)
        partition.advance()

    def reopen(self, tp: TP, offset: int) -> None:
        """Note that an event will be processed again, finished or not.

        Raises:
            AssertionError: the event is committed, so it would take effect twice.
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
        """Return whether an event is finished; True for unknown partitions."""
        partition = self._partitions.get(tp)
        return partition is None or partition.is_finished(offset)

    def is_idle(self, tp: TP) -> bool:
        """Return whether all delivered events of a partition are finished; True for unknown partitions."""
        partition = self._partitions.get(tp)
        return partition is None or partition.first_unfinished == partition.next_offset

    def last_uncommitted(self, tp: TP) -> int | None:
        """Return the last delivered offset of a partition; None when all delivered events are committed."""
        partition = self._partitions.get(tp)
        if partition is None or partition.committed >= partition.next_offset:
            return None
        return partition.next_offset - 1

    def first_unfinished(self, tp: TP) -> int:
        """Return the lowest offset whose event is not finished."""
        partition = self._partitions.get(tp)
        return partition.first_unfinished if partition is not None else 0

    def committed(self, tp: TP) -> int:
        """Return the committed offset: the next one that a new owner would process."""
        partition = self._partitions.get(tp)
        return partition.committed if partition is not None else 0

    def committable(self) -> dict[TP, int]:
        """Return the first unfinished offset of each partition where it lies above the committed one."""
        return {tp: p.first_unfinished for tp, p in self._partitions.items() if p.first_unfinished > p.committed}

    def commit(self, tp: TP, offset: int) -> None:
        """Note a committed offset.

        Raises:
            AssertionError: an event below the offset is not finished, so it would be lost.
        """
        partition = self._partitions.get(tp)
        if partition is not None:
            if offset > partition.first_unfinished:
                raise AssertionError(f"{tp} committed at {offset}, but {partition.first_unfinished} is not finished")
            for passed in range(partition.committed, offset):
                partition.evidence.pop(passed, None)
            partition.committed = max(partition.committed, offset)

    def preconditions(self, tp: TP, offset: int) -> Preconditions:
        """Return the state that the broker must have: the last committed offset, and the last events below `offset`.

        The broker cannot compare events that came from an archive, because their records are trimmed.
        """
        partition = self._partitions[tp]
        since, size, above = offset, 0, None
        lowest = offset - 1 if self._is_trimmed(tp.topic) else max(partition.committed, offset - EVIDENCE_RECORDS_MAX)
        while since > lowest and size < EVIDENCE_BYTES_MAX:
            evidence = partition.evidence.get(since - 1, b"")
            if evidence is ARCHIVED:
                break
            since -= 1
            size, above = size + (0 if evidence is above else len(evidence)), evidence
        if since == offset:
            return Preconditions(partition.committed, "", offset)
        passed, entries = evidence_of(partition.evidence.get(each, b"") for each in range(since, offset))
        return Preconditions(partition.committed, passed, since, entries)

    def in_flight(self) -> int:
        """Return how many delivered events are not finished, in all partitions."""
        return sum(partition.in_flight() for partition in self._partitions.values())

    def busy(self) -> bool:
        """Return whether any delivered event is not finished."""
        return any(partition.in_flight() for partition in self._partitions.values())
