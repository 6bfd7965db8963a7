"""Release fetched records in append order: a run of one topic begins when the run of another topic before it is done.

Partition numbers are independent of each other. An app that does not ask for append order has its records released as
they are fetched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable
from typing import Any, Protocol

from faust.types import TP

from faust_redis.driver.commit.dependencies import Dependencies
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.delivery.append_order import Run
from faust_redis.driver.delivery.fetch_state import FetchedRecords, FetchState
from faust_redis.driver.groups.ownership import Ownership


class Queues(Protocol):
    """The agents' queues, as the turns need them."""

    def keeps_order(self, tp: TP) -> bool:
        """Return whether one agent takes the events of a partition one after the other."""

    def withdraw(self, tp: TP) -> list[Any]:
        """Take a partition's waiting events back from the queue of its agent, and return them."""

    def put_back(self, tp: TP, events: list[Any]) -> None:
        """Put withdrawn events into the queue again."""


class Turns:
    """The turns of the topics of each partition number."""

    def __init__(
        self,
        state: FetchState,
        tracker: OffsetTracker,
        dependencies: Dependencies,
        ownership: Ownership,
        queues: Queues,
        *,
        is_ordered: Callable[[], bool],
        is_reply_topic: Callable[[str], bool],
    ) -> None:
        self._state = state
        self._tracker = tracker
        self._dependencies = dependencies
        self._ownership = ownership
        self._queues = queues
        self._is_ordered = is_ordered
        self._is_reply_topic = is_reply_topic
        self._last: dict[int, TP] = {}
        self._sources: dict[int, list[TP]] = {}
        self._sources_as_of = -1

    @property
    def are_waiting(self) -> bool:
        """Return whether records wait for their turn."""
        return bool(self._state.order.waiting or self._state.withheld)

    def siblings(self, tp: TP) -> list[TP]:
        """Return the partitions that share the order of a partition, itself included."""
        is_one_of_several = self._is_ordered() and self._is_source(tp)
        return self._by_number().get(tp.partition, [tp]) if is_one_of_several else [tp]

    def add(self, tps: Iterable[TP], found: FetchedRecords, cut: Container[TP], full: Container[TP]) -> FetchedRecords:
        """Take over what one read of some partitions has found; return the records that agents may have now."""
        if not self._is_ordered():
            return found
        sources = [tp for tp in tps if self._is_source(tp)]
        ordered = {tp: found[tp] for tp in sources if tp in found}
        self._state.order.add(sources, ordered, cut)
        others = {tp: records for tp, records in found.items() if tp not in ordered}
        return others | self.take(full)

    def take(self, full: Container[TP]) -> FetchedRecords:
        """Return the records whose turn it is, at most one run of each partition number.

        Args:
            full: The partitions whose agents have no room.
        """
        self._return_withheld()
        taken: FetchedRecords = {}
        order = self._state.order
        for number in {tp.partition for tp in order.waiting}:
            run = order.next_run(self._by_number().get(number, ()))
            if run is not None and run.tp not in full and self._may_begin(run.tp):
                self._begin(run)
                taken[run.tp] = order.take(run if self._queues.keeps_order(run.tp) else Run(run.tp, 1))
        return taken

    def _may_begin(self, tp: TP) -> bool:
        state, last = self._state, self._last.get(tp.partition, tp)
        if tp in state.parked or tp in state.withheld:
            return False
        if last == tp and self._queues.keeps_order(tp):
            return True
        return last not in state.parked and self._tracker.is_idle(last)

    def _begin(self, run: Run) -> None:
        """Note whose turn it is. The committer commits its first event together with the events before it, or later."""
        number = run.tp.partition
        last = self._last.get(number, run.tp)
        self._last[number] = run.tp
        if last != run.tp and (offset := self._tracker.last_uncommitted(last)) is not None:
            self._dependencies.follow((run.tp, self._state.order.waiting[run.tp][0].offset), (last, offset))

    # --- failed events ------------------------------------------------------------------------------------------------

    def withhold(self, tp: TP, offset: int) -> None:
        """Keep the later events of a partition back until a failed event has had its next attempt, or its last."""
        if self._is_ordered() and self._is_source(tp) and tp not in self._state.withheld:
            self._state.withheld[tp] = offset, self._queues.withdraw(tp)

    def _return_withheld(self) -> None:
        withheld = self._state.withheld
        for tp in [tp for tp, (offset, _) in withheld.items() if self._tracker.is_finished(tp, offset)]:
            self._queues.put_back(tp, withheld.pop(tp)[1])

    # --- partitions ---------------------------------------------------------------------------------------------------

    def _is_source(self, tp: TP) -> bool:
        """Return whether agents consume a partition: it is neither a changelog nor replies."""
        return tp in self._tracker and not self._is_reply_topic(tp.topic)

    def _by_number(self) -> dict[int, list[TP]]:
        """Return the sources of each partition number. Each new assignment seeks."""
        if self._sources_as_of != self._state.seeks:
            found: defaultdict[int, list[TP]] = defaultdict(list)
            for tp in sorted(self._ownership.assigned):
                if self._is_source(tp):
                    found[tp.partition].append(tp)
            self._sources, self._sources_as_of = dict(found), self._state.seeks
        return self._sources
