from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

from faust.types import TP
from faust_redis.driver.commit.costs import WriteCosts
from faust_redis.driver.commit.dependencies import Dependencies
from faust_redis.driver.commit.outputs import Output, coalesce
from faust_redis.driver.commit.pending_writes import PendingWrites
from faust_redis.driver.limits import RANKED_BYTES_A_US, RECORD_US, ROW_US
from faust_redis.log import TopicInfo, TopicSpec
from hypothesis import given
from hypothesis import strategies as st

TP0, TP1 = TP("in", 0), TP("in", 1)


def output(source: tuple[TP, int] | None, key: bytes = b"k", value: bytes = b"v", *, compacted: bool = False) -> Output:
    return Output("out", 0, key, value, 0, (), source, lambda offset, error: None, compacted)


def one_each(_topic: str, records: int, _size: int) -> int:
    return records


def test_outputs_of_unfinished_events_stay() -> None:
    box = PendingWrites(one_each)
    for source in ((TP0, 0), (TP0, 1), (TP1, 0), None):
        box.add(output(source))
    cut = box.next_batch({TP0: 1, TP1: 0}, 100, 1000)
    assert [o.source for o in cut.outputs] == [(TP0, 0), None]
    assert [o.source for o in box.outputs()] == [(TP0, 1), (TP1, 0)]
    assert cut.offsets == {TP0: 1, TP1: 0}


def test_an_event_larger_than_a_commit_is_taken_whole() -> None:
    box = PendingWrites(one_each)
    for _ in range(10):
        box.add(output((TP0, 0)))
    cut = box.next_batch({TP0: 1}, 3, 1000)
    assert len(cut.outputs) == 10
    assert cut.offsets == {TP0: 1}


events = st.lists(st.tuples(st.sampled_from([TP0, TP1]), st.integers(1, 4)), max_size=12)


@given(events, st.integers(1, 6))
def test_commits_take_whole_events_in_order_and_leave_none_behind(produced: list[tuple[TP, int]], limit: int) -> None:
    box, finished, expected = PendingWrites(one_each), Counter[TP](), Counter[tuple[TP, int]]()
    for tp, count in produced:
        source = (tp, finished[tp])
        finished[tp] += 1
        expected[source] = count
        for _ in range(count):
            box.add(output(source))
    seen: Counter[tuple[TP, int]] = Counter()
    committed: Counter[TP] = Counter()
    while len(box):
        cut = box.next_batch(dict(finished), limit, 1 << 30)
        here = Counter(o.source for o in cut.outputs if o.source is not None)
        assert all(here[source] == expected[source] for source in here)
        assert all(offset < cut.offsets[tp] and offset >= committed[tp] for tp, offset in here)
        for tp, offset in cut.offsets.items():
            assert all(
                source in seen or source in here for source in expected if source[0] == tp and source[1] < offset
            )
            committed[tp] = offset
        seen += here
    assert seen == expected


PLACE = ("table", 0)
changes = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([b"a", b"b", b"c"]), st.none() | st.binary(max_size=3)), max_size=20
)


@given(changes, st.integers(1, 4), st.integers(1, 4))
def test_only_the_last_change_of_a_row_is_written_however_events_interleave(
    changes: list[tuple[int, bytes, bytes | None]], finished: int, limit: int
) -> None:
    box, dependencies, writers = PendingWrites(one_each), Dependencies(), dict[bytes, int]()
    for event, key, value in changes:
        box.change((TP0, event), PLACE, [(key, value)])
        dependencies.add(SimpleNamespace(tp=TP0, offset=event), (TP0, writers.get(key, event)))
        writers[key] = event
    kept: dict[bytes, bytes | None] = {}
    committed = 0
    while (cut := box.next_batch({TP0: finished}, limit, 1 << 30, dependencies)).rows:
        kept |= {key: value for key, (_, value) in cut.rows[PLACE].items()}
        committed = cut.offsets[TP0]
        dependencies.commit(cut.offsets)
    assert kept == {key: value for event, key, value in changes if event < committed}
    left = {(event, key) for event, key, _ in changes if event >= committed}
    assert len(box) == len(left)
    for event, _ in left:
        box.drop_event((TP0, event))
    assert len(box) == 0


def test_a_ranked_row_costs_by_its_standings() -> None:
    specs = {
        "out": TopicSpec("out", 1),
        "rows": TopicSpec("rows", 1, "compact"),
        "ranked": TopicSpec("ranked", 1, "compact", "rank"),
    }
    costs = WriteCosts(lambda topic: TopicInfo(specs[topic], "i") if topic in specs else None)
    one_standing, twenty = costs.of("ranked", 1, 2 * RANKED_BYTES_A_US), costs.of("ranked", 1, 40 * RANKED_BYTES_A_US)
    assert (one_standing, twenty) == (ROW_US + 2, ROW_US + 40)
    assert costs.of("rows", 3, 10_000) == 3 * ROW_US
    assert costs.of("out", 3, 10_000) == 3 * RECORD_US
    assert costs.of("not known yet", 1, 2 * RANKED_BYTES_A_US) == one_standing


def test_rows_count_once_in_what_an_event_costs() -> None:
    box = PendingWrites(lambda _topic, records, _size: 10 * records)
    box.change((TP0, 0), PLACE, [(b"a", b"1"), (b"b", b"2")])
    box.change((TP0, 0), PLACE, [(b"a", b"3")])
    box.add(output((TP0, 0)))
    assert (len(box), box.cost_us((TP0, 0))) == (3, 30)
    dropped = box.drop_event((TP0, 0))
    assert [*dropped.rows[PLACE]] == [b"a", b"b"]
    assert len(dropped.outputs) == 1


def test_only_the_last_record_of_a_key_of_a_compacted_changelog_is_written() -> None:
    first, other, last = (
        output(None, key, value, compacted=True) for key, value in ((b"a", b"1"), (b"b", b"2"), (b"a", b"3"))
    )
    kept, settled = coalesce([first, other, last])
    assert kept == [last, other]
    assert settled == {0: [first]}


def test_records_of_other_topics_are_all_kept() -> None:
    outputs = [output(None, b"a"), output(None, b"a")]
    assert coalesce(outputs)[0] == outputs


def test_messages_sent_outside_of_events_survive_a_rebalance() -> None:
    box = PendingWrites(one_each)
    box.add(output((TP0, 0)))
    box.add(output(None))
    assert [o.source for o in box.drop_claims(set())] == [(TP0, 0)]
    assert [o.source for o in box.outputs()] == [None]
    box.add(output(None))
    assert len(box.drop_claims({"out"})) == 2


def test_interleaved_events_of_two_partitions_are_not_torn_apart() -> None:
    box = PendingWrites(one_each)
    for tp in (TP0, TP1, TP0, TP1, TP0):
        box.add(output((tp, 0)))
    box.add(output((TP0, 1)))
    cut = box.next_batch({TP0: 2, TP1: 1}, 3, 1 << 30)
    assert [o.source for o in cut.outputs] == [(TP0, 0), (TP1, 0), (TP0, 0), (TP1, 0), (TP0, 0)]
    assert cut.offsets == {TP0: 1, TP1: 1}


def test_events_finished_out_of_turn_leave_in_offset_order() -> None:
    box = PendingWrites(one_each)
    for offset in (1, 0, 2):
        box.add(output((TP0, offset)))
    offsets = [o.source[1] for o in box.next_batch({TP0: 3}, 1, 1 << 30).outputs if o.source]
    # The events interleave in time, so they commit together; their records keep the order of production.
    assert offsets == [1, 0]
    assert [o.source for o in box.outputs()] == [(TP0, 2)]
