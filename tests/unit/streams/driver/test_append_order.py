"""Records of several topics are released in append order, whatever a read returns, and none waits for ever."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from faust.types import TP
from faust_redis.driver.commit.dependencies import Dependencies
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.delivery.append_order import AppendOrder, Run
from faust_redis.driver.delivery.fetch_state import FetchState
from faust_redis.driver.delivery.turns import Turns
from faust_redis.log import StoredRecord
from hypothesis import given
from hypothesis import strategies as st

TPS = [TP(topic, 0) for topic in "abc"]
A, B, C = TPS


class Log:
    """A log in memory: its records by topic, and the order in which they were appended."""

    def __init__(self) -> None:
        self.topics: dict[TP, list[StoredRecord]] = {tp: [] for tp in TPS}
        self.all: list[tuple[TP, int]] = []
        self._order = 0

    def append(self, tp: TP, count: int) -> None:
        """Append one entry of several records."""
        self._order += 1
        for _ in range(count):
            offset = len(self.topics[tp])
            self.topics[tp].append(StoredRecord(offset, 0, b"k", b"v", order=self._order))
            self.all.append((tp, offset))

    def read(self, offsets: dict[TP, int], count: int) -> tuple[dict[TP, list[StoredRecord]], set[TP]]:
        """Return whole entries of `count` records or more, and the topics of which more may be there."""
        found, cut = {}, set()
        for tp, offset in offsets.items():
            records = self.topics[tp][offset:]
            if len(records) >= count:
                records = [record for record in records if record.order <= records[count - 1].order]
                cut.add(tp)
            if records:
                found[tp] = records
        return found, cut


class Reader:
    """Reads topics and releases runs."""

    def __init__(self, log: Log) -> None:
        self.log, self.order = log, AppendOrder()
        self.positions = dict.fromkeys(TPS, 0)
        self.released: list[tuple[TP, int]] = []

    def read(self, tps: list[TP], count: int) -> None:
        free = {tp: self.positions[tp] for tp in tps if tp not in self.order.waiting}
        found, cut = self.log.read(free, count)
        for tp, records in found.items():
            self.positions[tp] = records[-1].offset + 1
        self.order.add(free, found, cut)

    def release(self) -> bool:
        run = self.order.next_run(TPS)
        if run is not None:
            self.released += [(run.tp, record.offset) for record in self.order.take(run)]
        return run is not None


appends = st.tuples(st.just("append"), st.sampled_from(TPS), st.integers(1, 4))
reads = st.tuples(st.just("read"), st.lists(st.sampled_from(TPS), unique=True, max_size=3), st.integers(1, 5))
releases = st.tuples(st.just("release"), st.none(), st.none())


@given(st.lists(st.one_of(appends, appends, reads, releases), max_size=40))
def test_records_are_released_in_append_order_and_all_in_the_end(steps: list[tuple[str, Any, Any]]) -> None:
    reader = Reader(log := Log())
    for step, what, count in steps:
        if step == "append":
            log.append(what, count)
        elif step == "read":
            reader.read(what, count)
        else:
            reader.release()
        assert reader.released == log.all[: len(reader.released)]
    for _ in range(4 * len(log.all) + 4):
        while reader.release():
            pass
        reader.read(TPS, 2)
    assert reader.released == log.all


def records(*orders: int) -> list[StoredRecord]:
    return [StoredRecord(offset, 0, b"k", b"v", order=order) for offset, order in enumerate(orders)]


def test_a_run_ends_where_another_topic_comes_next() -> None:
    order = AppendOrder()
    order.add(TPS, {A: records(1, 2, 5), B: records(3, 4)}, ())
    assert order.next_run(TPS) == Run(A, 2)
    assert [record.order for record in order.take(Run(A, 2))] == [1, 2]
    assert order.next_run(TPS) == Run(B, 2)


def test_a_topic_that_was_not_read_yet_or_was_cut_holds_up_the_others() -> None:
    order = AppendOrder()
    order.add([A, B], {A: records(1, 4), B: records(2)}, {B})
    assert order.next_run(TPS) is None, "c was never read"
    order.add([C], {}, ())
    assert order.next_run(TPS) == Run(A, 1)
    order.take(Run(A, 1))
    order.take(Run(B, 1))
    assert order.next_run(TPS) is None, "more of b may come before record 4 of a"
    order.add([B], {}, ())
    assert order.next_run(TPS) == Run(A, 1)


def test_a_topic_is_known_only_up_to_what_the_same_read_or_an_earlier_one_has_seen() -> None:
    order = AppendOrder()
    order.add([A, B, C], {A: records(1)}, ())
    order.take(Run(A, 1))
    order.add([B], {B: records(7)}, ())
    assert order.next_run(TPS) is None, "records 2 to 6 may be in a or c"
    order.add([A, C], {}, ())
    assert order.next_run(TPS) == Run(B, 1)


def test_records_without_a_number_come_first_topic_by_topic() -> None:
    order = AppendOrder()
    order.add(TPS, {A: records(0, 0, 3), B: records(0, 2)}, ())
    runs = []
    while (run := order.next_run(TPS)) is not None:
        order.take(run)
        runs.append(run)
    assert runs == [Run(A, 2), Run(B, 2), Run(A, 1)]


def test_numbers_that_went_back_hold_up_nothing() -> None:
    order = AppendOrder()
    order.add(TPS, {A: records(50, 60, 3)}, ())
    assert order.next_run(TPS) == Run(A, 3)


# --- turns ------------------------------------------------------------------------------------------------------------


class Worker:
    """The turns of a worker that owns the topics, and what they decide by."""

    def __init__(self) -> None:
        self.state, self.tracker, self.dependencies = FetchState(), OffsetTracker(), Dependencies()
        self.one_by_one: set[TP] = set()
        self.withdrawn: dict[TP, list[str]] = {}
        self.returned: list[Any] = []
        self.is_ordered = True
        for tp in TPS:
            self.state.seek(tp, 0)
            self.tracker.reset(tp, 0)
        queues: Any = SimpleNamespace(
            keeps_order=lambda tp: tp not in self.one_by_one,
            withdraw=lambda tp: self.withdrawn.pop(tp, []),
            put_back=lambda tp, events: self.returned.append((tp, events)),
        )
        ownership: Any = SimpleNamespace(assigned=set(TPS))
        self.turns = Turns(
            self.state,
            self.tracker,
            self.dependencies,
            ownership,
            queues,
            is_ordered=lambda: self.is_ordered,
            is_reply_topic=lambda topic: topic == "replies",
        )

    def taken(self, *full: TP) -> dict[TP, list[int]]:
        """Take what may be delivered, and deliver it."""
        found = self.turns.take(full)
        for tp, run in found.items():
            self.tracker.deliver_run(tp, run)
        return {tp: [record.order for record in run] for tp, run in found.items()}


def fetched(worker: Worker) -> Worker:
    worker.state.order.add(TPS, {A: records(1, 2, 5, 6), B: records(3, 4)}, ())
    return worker


def test_a_run_begins_when_the_run_of_the_other_topic_is_done() -> None:
    worker = fetched(Worker())
    assert worker.taken() == {A: [1, 2]}
    assert worker.taken() == {}
    worker.tracker.finish(A, [1])
    assert worker.taken() == {}
    worker.tracker.finish(A, [0])
    assert worker.taken() == {B: [3, 4]}


def test_a_run_of_the_same_topic_does_not_wait() -> None:
    worker = Worker()
    worker.state.order.add(TPS, {A: records(1, 2)}, ())
    assert worker.taken() == {A: [1, 2]}
    worker.state.order.add(TPS, {A: [StoredRecord(2, 0, b"k", b"v", order=3)]}, ())
    assert worker.taken() == {A: [3]}


def test_a_run_waits_for_records_of_another_topic_that_found_no_room() -> None:
    worker = fetched(Worker())
    taken = worker.turns.take(())
    worker.state.park(A, taken[A])
    assert worker.taken() == {}
    assert worker.taken(B) == {}


def test_records_are_taken_one_by_one_when_agents_could_overtake_each_other() -> None:
    worker = fetched(Worker())
    worker.one_by_one = set(TPS)
    assert worker.taken() == {A: [1]}
    assert worker.taken() == {}
    worker.tracker.finish(A, [0])
    assert worker.taken() == {A: [2]}


def test_a_run_is_committed_with_or_after_the_uncommitted_run_before_it() -> None:
    worker = fetched(Worker())
    worker.taken()
    worker.tracker.finish(A, [0, 1])
    worker.taken()
    worker.tracker.finish(B, [0, 1])
    finished = worker.tracker.committable()
    assert worker.dependencies.bounded(finished) == {A: 2, B: 2}
    assert worker.dependencies.bounded({A: 1, B: 2}) == {A: 1, B: 0}
    worker.dependencies.commit({A: 2})
    assert worker.dependencies.bounded({B: 2}) == {B: 2}
    assert len(worker.dependencies) == 0


def test_a_committed_run_is_not_followed() -> None:
    worker = fetched(Worker())
    worker.taken()
    worker.tracker.finish(A, [0, 1])
    worker.tracker.commit(A, 2)
    worker.taken()
    assert len(worker.dependencies) == 0


def test_later_events_of_a_failing_one_are_withheld_until_it_is_done() -> None:
    worker = fetched(Worker())
    worker.taken()
    worker.withdrawn = {A: ["later"]}
    worker.turns.withhold(A, 0)
    worker.turns.withhold(A, 0)
    assert worker.taken() == {}
    assert worker.turns.are_waiting
    assert worker.returned == []
    worker.tracker.finish(A, [0])
    assert worker.taken() == {}
    assert worker.returned == [(A, ["later"])]
    worker.tracker.finish(A, [1])
    assert worker.taken() == {B: [3, 4]}


def test_an_app_that_does_not_ask_gets_its_records_as_they_are_fetched() -> None:
    worker = Worker()
    worker.is_ordered = False
    found = {B: records(3), A: records(1, 2)}
    assert worker.turns.add(TPS, found, {A, B}, ()) is found
    worker.turns.withhold(A, 0)
    assert not worker.turns.are_waiting
    assert worker.turns.siblings(A) == [A]


def test_changelogs_and_replies_have_no_part_in_the_order() -> None:
    worker = Worker()
    changelog, replies = TP("changelog", 0), TP("replies", 0)
    worker.tracker.reset(replies, 0)
    found = {changelog: records(0), replies: records(9), A: records(10)}
    assert worker.turns.add([changelog, replies, *TPS], found, (), ()) == found
    assert worker.turns.siblings(A) == TPS
    assert worker.turns.siblings(replies) == [replies]


def test_a_seek_and_an_overtaken_delivery_forget_what_waits() -> None:
    worker = fetched(Worker())
    worker.state.seek(A, 0)
    assert worker.taken() == {}, "a is not known any more"
    worker.state.order.clear()
    assert list(worker.state.fetchable(set(TPS), ()).values()) == [0, 0, 0]
