"""Keep the pending writes: records and rows that agents produced and the committer has not written yet."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import count
from operator import attrgetter

from faust.types import TP

from faust_redis.driver.commit.dependencies import Dependencies
from faust_redis.driver.commit.outputs import Changed, CommitBatch, Output, OutputColumns, Place


class _Event:
    """The outputs and rows of one event, with the numbers of the first and the last of them."""

    __slots__ = ("columns", "cost_us", "count", "first", "last", "offset", "outputs", "rows", "size")

    def __init__(self, offset: int, first: int) -> None:
        self.offset = offset
        self.first = self.last = first
        self.outputs: list[Output] = []
        self.columns: list[OutputColumns] = []
        self.rows: dict[Place, Changed] = {}
        self.count = self.size = self.cost_us = 0


class _Queue:
    """The events of one partition that have produced something, taken in offset order."""

    __slots__ = ("_offsets", "events")

    def __init__(self) -> None:
        self.events: dict[int, _Event] = {}
        self._offsets: list[int] = []

    def add(self, offset: int, first: int) -> _Event:
        """Add an event."""
        event = self.events[offset] = _Event(offset, first)
        heapq.heappush(self._offsets, offset)
        return event

    def first(self) -> _Event | None:
        """Return the event with the lowest offset; None when there is none."""
        while self._offsets:
            event = self.events.get(self._offsets[0])
            if event is not None:
                return event
            heapq.heappop(self._offsets)
        return None


class PendingWrites:
    """The pending outputs and rows of each event, in the order of production."""

    def __init__(self, cost_us: Callable[[str, int, int], int]) -> None:
        self._cost_us = cost_us
        self._queues: dict[TP, _Queue] = {}
        self._free: list[Output] = []
        self.draw = count(1).__next__
        """Draws the next number in the order of production."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, source: tuple[TP, int]) -> bool:
        queue = self._queues.get(source[0])
        return queue is not None and source[1] in queue.events

    def add(self, output: Output) -> None:
        """Append an output."""
        output.number = self.draw()
        self.keep(output)

    def keep(self, output: Output) -> None:
        """Append an output that has its number."""
        self._count += 1
        if output.source is None:
            self._free.append(output)
            return
        event = self._event(output.source, output.number)
        event.count += 1
        event.outputs.append(output)
        size = output.size
        event.size += size
        event.cost_us += self._cost_us(output.topic, 1, size)

    def add_columns(self, source: tuple[TP, int], columns: OutputColumns) -> None:
        """Append the records that an event sends to one partition."""
        columns.source = source
        count, size = len(columns.keys), columns.size
        event = self._event(source, columns.numbers[0])
        event.last = max(event.last, columns.numbers[-1])
        event.columns.append(columns)
        self._count += count
        event.count += count
        event.size += size
        event.cost_us += self._cost_us(columns.topic, count, size)

    def change(self, source: tuple[TP, int], place: Place, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Note the rows of a compacted changelog that an event changed. No caller waits for their outcome."""
        number = self.draw()
        event = self._event(source, number)
        merged = event.rows.get(place)
        if merged is None:
            merged = event.rows[place] = {}
        fresh, size = -len(merged), 0
        for key, value in rows:
            earlier = merged.get(key)
            if earlier is None:
                size += len(key)
            elif earlier[1] is not None:
                size -= len(earlier[1])
            if value is not None:
                size += len(value)
            merged[key] = number, value
        fresh += len(merged)
        self._count += fresh
        event.count += fresh
        event.size += size
        event.cost_us += self._cost_us(place[0], fresh, size)

    def _subtract(self, count: int) -> None:
        self._count -= count
        assert self._count >= 0, f"{self._count} records pending"

    def _event(self, source: tuple[TP, int], number: int) -> _Event:
        """Return the entry of an event, extended by an output with this number."""
        tp, offset = source
        queue = self._queues.get(tp)
        if queue is None:
            queue = self._queues[tp] = _Queue()
        event = queue.events.get(offset)
        if event is None:
            return queue.add(offset, number)
        if number > event.last:
            event.last = number
        elif number < event.first:
            event.first = number
        return event

    def cost_us(self, source: tuple[TP, int]) -> int:
        """Return for how many microseconds the commit of an event's present outputs would occupy the server."""
        queue = self._queues.get(source[0])
        event = queue.events.get(source[1]) if queue is not None else None
        return 0 if event is None else event.cost_us

    def outputs(self) -> list[Output]:
        """Return all pending records in order, without rows."""
        events = [event for queue in self._queues.values() for event in queue.events.values()]
        return sorted([*(output for event in events for output in event.outputs), *self._free], key=_number)

    def drop_event(self, source: tuple[TP, int]) -> CommitBatch:
        """Remove and return the outputs and rows of one event."""
        queue = self._queues.get(source[0])
        event = queue.events.pop(source[1], None) if queue is not None else None
        if event is None:
            return CommitBatch([], {})
        self._subtract(event.count)
        return CommitBatch(event.outputs, {}, event.rows, event.columns)

    def drop_claims(self, changelogs: Container[str]) -> list[Output]:
        """Remove all writes that need the ownership of a partition: outputs of events, and changelog records.

        Returns:
            The removed records, without rows, because no caller waits for rows.
        """
        everything = self.outputs()
        self._queues, self._free, self._count = {}, [], 0
        claims = []
        for output in everything:
            if output.source is not None or output.topic in changelogs:
                claims.append(output)
            else:
                self.add(output)
        return claims

    def put_back(self, outputs: list[Output]) -> None:
        """Put back records that a commit did not write.

        Rows and columns stay out: they belong to events, which this member may not commit now.
        """
        for output in outputs:
            self.keep(output)
        self._free.sort(key=_number)

    def next_batch(
        self,
        first_unfinished: Mapping[TP, int],
        cost_max_us: int,
        bytes_max: int,
        dependencies: Dependencies | None = None,
    ) -> CommitBatch:
        """Take the outputs of as many whole finished events as fit into one commit.

        Args:
            first_unfinished: For each partition, the offset below which all events are finished.
            cost_max_us: Longest time for which one commit may occupy the server. Events that must go together may
                exceed it.
            bytes_max: Most bytes of payload in one commit. Events that must go together may exceed it.
            dependencies: The dependencies between events. The batch includes all dependencies of an event.
        """
        known = dependencies or Dependencies()
        finished = _Finished(self._queues, known.bounded(first_unfinished), known)
        outputs = self._take_free(cost_max_us)
        size = sum(output.size for output in outputs)
        cost_us = sum(self._cost_us(output.topic, 1, output.size) for output in outputs)
        rows: dict[Place, Changed] = {}
        columns: list[OutputColumns] = []
        count, reach = len(outputs), 0
        full = False
        while (found := finished.next()) is not None:
            tp, event = found
            # Keep events with interleaved outputs together, so that writes to the same key keep their order.
            full = full or (bool(cost_us) and (cost_us + event.cost_us > cost_max_us or size > bytes_max))
            if full and event.first > reach:
                finished.skip_partition()
                continue
            for each in finished.take(tp, event.offset) if len(known) else finished.take_one(tp, event):
                outputs += each.outputs
                columns += each.columns
                for place, changed in each.rows.items():
                    merged = rows.get(place)
                    if merged is None:
                        rows[place] = changed
                    elif each.first > reach:
                        merged.update(changed)
                    else:
                        _merge(merged, changed)
                count += each.count
                size += each.size
                cost_us += each.cost_us
                reach = max(reach, each.last)
        self._subtract(count)
        outputs.sort(key=_number)
        columns.sort(key=_first_number)
        return CommitBatch(outputs, known.bounded(finished.marks()), rows, columns)

    def _take_free(self, cost_max_us: int) -> list[Output]:
        count = cost_us = 0
        while count < len(self._free) and cost_us < cost_max_us:
            output = self._free[count]
            cost_us += self._cost_us(output.topic, 1, output.size)
            count += 1
        outputs, self._free = self._free[:count], self._free[count:]
        return outputs


_number = attrgetter("number")


def _first_number(columns: OutputColumns) -> int:
    return columns.numbers[0]


def _merge(merged: Changed, changed: Changed) -> None:
    """Merge an event's rows into the rows of interleaved events; the later change of a key wins."""
    for key, change in changed.items():
        if key not in merged or merged[key][0] < change[0]:
            merged[key] = change


class _Finished:
    """The finished events from which one commit takes, in offset order within each partition."""

    def __init__(self, queues: Mapping[TP, _Queue], marks: Mapping[TP, int], dependencies: Dependencies) -> None:
        self._marks = marks
        self._dependencies = dependencies
        self._queues = {tp: queue for tp in marks if (queue := queues.get(tp)) is not None}
        self._orders = dict.fromkeys(self._queues, 0)
        self._candidates = sorted((0, number, tp) for number, tp in enumerate(self._queues))
        self._dependent = {tp: deque(dependencies.dependent_offsets(tp, mark)) for tp, mark in marks.items()}

    def _first(self, tp: TP) -> _Event | None:
        event = self._queues[tp].first() if tp in self._queues else None
        return event if event is not None and event.offset < self._marks[tp] else None

    def next(self) -> tuple[TP, _Event] | None:
        """Peek at the next event in production order, respecting offset order within each partition."""
        while self._candidates:
            order, number, tp = self._candidates[0]
            event = self._first(tp)
            if event is None:
                heapq.heappop(self._candidates)
                continue
            position = max(self._orders[tp], event.first)
            if position == order:
                return tp, event
            heapq.heapreplace(self._candidates, (position, number, tp))
        return None

    def skip_partition(self) -> None:
        """Leave the rest of the next event's partition to a later commit."""
        heapq.heappop(self._candidates)

    def take_one(self, tp: TP, event: _Event) -> tuple[_Event]:
        """Take the next event, which depends on no other."""
        self._orders[tp] = max(self._orders[tp], event.first)
        return (self._queues[tp].events.pop(event.offset),)

    def take(self, tp: TP, offset: int) -> Iterator[_Event]:
        """Take an event, all events before it in its partition, and all dependencies of these events."""
        todo = [(tp, offset)]
        while todo:
            tp, offset = todo.pop()
            dependent = self._dependent.get(tp, deque())
            while (event := self._first(tp)) is not None and event.offset <= offset:
                self._orders[tp] = max(self._orders[tp], event.first)
                yield self._queues[tp].events.pop(event.offset)
            while dependent and dependent[0] <= offset:
                todo += self._dependencies.needed((tp, dependent.popleft()))

    def marks(self) -> dict[TP, int]:
        """Return the offset of each partition below which no finished event remains."""
        return {tp: mark if (first := self._first(tp)) is None else first.offset for tp, mark in self._marks.items()}
