"""Events that depend on each other commit together or one after the other, whatever the limits of a commit."""

from __future__ import annotations

from dataclasses import dataclass

from faust.types import TP
from faust_redis.driver.commit.dependencies import Dependencies
from faust_redis.driver.commit.outputs import Output
from faust_redis.driver.commit.pending_writes import PendingWrites
from faust_redis.driver.source import Source
from hypothesis import given
from hypothesis import strategies as st

TPS = [TP("in", 0), TP("in", 1), TP("other", 0)]
EVENTS = 5
"""Events of each partition."""


@dataclass(frozen=True)
class Message:
    tp: TP
    offset: int


def one_each(_topic: str, records: int, _size: int) -> int:
    return records


def graph(edges: list[tuple[Source, Source]]) -> Dependencies:
    dependencies = Dependencies()
    for event, base in edges:
        dependencies.add(Message(*event), base)
    return dependencies


def output(source: Source) -> Output:
    return Output("out", 0, b"k", b"v", 0, (), source, lambda offset, error: None)


sources = st.tuples(st.sampled_from(TPS), st.integers(0, EVENTS - 1))
edges = st.lists(st.tuples(sources, sources), max_size=12)
marks = st.fixed_dictionaries({tp: st.integers(0, EVENTS) for tp in TPS})


@given(edges, marks)
def test_the_bound_is_the_highest_that_leaves_no_dependency_behind(
    edges: list[tuple[Source, Source]], marks: dict[TP, int]
) -> None:
    allowed = graph(edges).bounded(marks)

    def is_closed(marks: dict[TP, int]) -> bool:
        return all(base[1] < marks[base[0]] for event, base in edges if event != base and event[1] < marks[event[0]])

    assert is_closed(allowed)
    for first in range(marks[TPS[0]] + 1):
        for second in range(marks[TPS[1]] + 1):
            for third in range(marks[TPS[2]] + 1):
                other = dict(zip(TPS, (first, second, third), strict=True))
                assert not is_closed(other) or all(other[tp] <= allowed[tp] for tp in TPS)


@given(edges, st.lists(sources, max_size=20), marks, st.integers(1, 4))
def test_commits_never_separate_an_event_from_its_dependencies(
    edges: list[tuple[Source, Source]], produced: list[Source], marks: dict[TP, int], limit: int
) -> None:
    box, dependencies = PendingWrites(one_each), graph(edges)
    for source in produced:
        box.add(output(source))
    possible = dependencies.bounded(marks)
    committed = dict.fromkeys(TPS, 0)
    written: list[Source] = []
    for _ in range(EVENTS * len(TPS) + 1):
        cut = box.next_batch(marks, limit, 1 << 30, dependencies)
        written += [o.source for o in cut.outputs if o.source is not None]
        offsets = {tp: max(cut.offsets[tp], committed[tp]) for tp in TPS}
        for (tp, offset), (base, below) in edges:
            assert offset >= offsets[tp] or below < offsets[base]
        dependencies.commit(offsets)
        committed = offsets
    assert committed == possible
    assert sorted(written) == sorted(source for source in produced if source[1] < possible[source[0]])


def test_events_that_depend_on_each_other_commit_together_beyond_the_bound() -> None:
    box = PendingWrites(one_each)
    first, second = (TPS[0], 0), (TPS[1], 0)
    for source in (first, first, (TPS[2], 0), second):
        box.add(output(source))
    dependencies = graph([(first, second), (second, first)])
    cut = box.next_batch({TPS[0]: 1, TPS[1]: 1, TPS[2]: 1}, 1, 1 << 30, dependencies)
    assert {first, second} <= {o.source for o in cut.outputs}
    assert (cut.offsets[TPS[0]], cut.offsets[TPS[1]]) == (1, 1)


def test_an_event_waits_for_one_in_flight_that_it_depends_on_and_so_do_later_ones() -> None:
    box = PendingWrites(one_each)
    box.add(output((TPS[0], 2)))
    dependencies = graph([((TPS[0], 1), (TPS[1], 0))])
    assert box.next_batch({TPS[0]: 3}, 10, 1 << 30, dependencies).offsets == {TPS[0]: 1}
    cut = box.next_batch({TPS[0]: 3, TPS[1]: 1}, 10, 1 << 30, dependencies)
    assert (len(cut.outputs), cut.offsets) == (1, {TPS[0]: 3, TPS[1]: 1})


def test_dependents_are_found_through_others_and_forgotten_with_the_commit() -> None:
    a, b, c, other = (TPS[0], 0), (TPS[1], 0), (TPS[0], 1), (TPS[2], 0)
    dependencies = graph([(b, a), (c, b), (other, c), (a, b)])
    assert set(dependencies.dependents(a)) == {b, c, other}
    assert set(dependencies.dependents(c)) == {other}
    dependencies.commit({TPS[0]: 1, TPS[1]: 1})
    assert dependencies.bases(c) == set()
    assert dependencies.bases(other) == {c}
    dependencies.commit({TPS[0]: 2})
    assert len(dependencies) == 0
