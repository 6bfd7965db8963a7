"""Repeated events are recognised for a span of event time, in bounded memory, and never count twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.id_buckets import BUCKET_ENTRIES_MAX, CONTENT_BYTES, ENTRY_BYTES, IdBuckets, bucket_of
from agents.processed import ProcessedEvents, content_of, name_hash_of, number_of, scope_of
from streams.times import DAY_US, HOUR_US, Instant
from tables.trading import TRADING_PROCESSED
from tables.unit_of_work import UnitOfWork

DAYS = 30
START = 1_000 * DAY_US


class Memory:
    """Processed events over a dictionary."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.tables = UnitOfWork(lambda _: self.rows)
        self.events = ProcessedEvents(self.tables, TRADING_PROCESSED, DAYS)

    def kind(self, name: str, at: int, content: tuple[int, ...] = (7,), scope: str = "ada|tape") -> str:
        return self.events.judge(scope, name_hash_of(name), Instant(at), content_of(content)).kind

    def entries(self) -> int:
        """Return how many entries the rows hold."""
        header = 12 * sum(1 for key in self.rows if key.count(b"|") == 1)
        total, rest = divmod(sum(map(len, self.rows.values())) - header, ENTRY_BYTES)
        assert rest == 0
        return total

    def ids(self, scope: str = "ada|tape") -> IdBuckets:
        return IdBuckets(UnitOfWork(lambda _: self.rows).raw(TRADING_PROCESSED), scope)


@pytest.fixture
def memory() -> Memory:
    return Memory()


def test_a_repetition_is_recognised_whatever_its_time(memory: Memory) -> None:
    assert memory.kind("f", START) == "new"
    for at in (START, START + 1, START + 29 * DAY_US, START - 29 * DAY_US, START - 300 * DAY_US):
        assert memory.kind("f", at) == "repeated"


def test_a_repetition_with_other_content_is_a_conflict_that_tells_which_fields_differ(memory: Memory) -> None:
    assert memory.kind("f", START, (9, 1, True)) == "new"
    verdict = memory.events.judge("ada|tape", name_hash_of("f"), Instant(START), content_of((9, 2, False)))
    assert (verdict.kind, verdict.differing) == ("conflicting", (1, 2))
    assert memory.kind("f", START, (9, 1, True)) == "repeated"


def test_users_and_sources_have_ids_and_a_time_of_their_own(memory: Memory) -> None:
    for scope in (scope_of("ada", "tape"), scope_of("ada", "other"), scope_of("ada"), scope_of("bob", "tape")):
        assert memory.kind("f", START, scope=scope) == "new"
    assert memory.kind("late", START + 300 * DAY_US, scope="bob|tape") == "new"
    assert memory.kind("early", START - 29 * DAY_US) == "new"


@pytest.mark.parametrize(
    ("behind", "kind"), [(30 * DAY_US, "new"), (30 * DAY_US + HOUR_US, "too_late"), (400 * DAY_US, "too_late")]
)
def test_an_event_further_behind_the_newest_than_the_span_is_too_late(memory: Memory, behind: int, kind: str) -> None:
    memory.kind("newest", START)
    rows = dict(memory.rows)
    assert memory.kind("f", START - behind) == kind
    assert (memory.rows == rows) == (kind == "too_late")


def test_a_history_of_years_can_be_imported_in_its_order(memory: Memory) -> None:
    assert {memory.kind(f"f-{day}", START + day * DAY_US) for day in range(1_000)} == {"new"}


def test_a_forgotten_event_is_too_late_and_never_new_again(memory: Memory) -> None:
    for day in range(200):
        memory.kind(f"f-{day}", START + day * DAY_US)
    again = {memory.kind(f"f-{day}", START + day * DAY_US) for day in range(200)}
    assert again == {"repeated", "too_late"}
    assert {memory.kind(f"f-{day}", START + day * DAY_US) for day in range(170, 200)} == {"repeated"}


EVENTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 90 * 24)), min_size=1, max_size=120)


@settings(max_examples=100, deadline=None)
@given(EVENTS)
def test_memory_equals_one_that_forgets_nothing_within_the_span(events: Any) -> None:
    """In any order of arrival, an event within the span counts exactly once."""
    memory, processed, newest = Memory(), dict[int, int](), 0
    for name, hour in events:
        at = START + hour * HOUR_US
        kind = memory.kind(str(name), at)
        within = hour >= newest - DAYS * 24
        if name in processed and processed[name] >= newest - DAYS * 24:
            assert kind == "repeated"
        elif not within and name not in processed:
            assert kind == "too_late"
        elif name not in processed:
            assert kind == "new"
        if kind == "new":
            processed[name] = hour
            newest = max(newest, hour)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 600), st.integers(0, 10**6))
def test_buckets_hold_every_id_as_they_grow(count: int, seed: int) -> None:
    memory = Memory()
    names = [f"{seed}-{number}" for number in range(count)]
    assert {memory.kind(name, START + number) for number, name in enumerate(names)} == {"new"}
    assert {memory.kind(name, START) for name in names} == {"repeated"}
    assert memory.entries() == memory.ids().entries == count
    assert memory.ids().buckets == max(1, -(-count // BUCKET_ENTRIES_MAX))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 200), min_size=1, max_size=200), st.integers(1, 200))
def test_an_addition_forgets_all_old_entries_of_its_bucket_and_no_other_in_any_order(
    minutes: list[int], span: int
) -> None:
    ids, added, newest = Memory().ids(), dict[bytes, int](), 0
    for number, minute in enumerate(minutes):
        newest = max(newest, minute)
        oldest = newest - span
        if minute < oldest:
            continue
        id_hash = name_hash_of(str(number))
        ids.add(ids.index_of(id_hash), id_hash, minute, bytes(CONTENT_BYTES), oldest)
        added[id_hash] = minute
        found = {each for each in added if ids.find(ids.index_of(each), each) is not None}
        assert found >= {each for each, of_each in added.items() if of_each >= oldest}
        old = {each for each in found if added[each] < oldest}
        assert bucket_of(id_hash, ids.buckets) not in {bucket_of(each, ids.buckets) for each in old}
        assert ids.entries == len(found)


def busy_then_quiet(memory: Memory, quiet_days: int) -> None:
    for number in range(20_000):
        memory.kind(f"busy-{number}", START + number * HOUR_US // 1_000)
    for day in range(quiet_days):
        memory.kind(f"quiet-{day}", START + (40 + day) * DAY_US)


def test_rows_stay_small_and_few_are_written_by_an_event(memory: Memory) -> None:
    busy_then_quiet(memory, 0)
    assert max(map(len, memory.rows.values())) < 4 * BUCKET_ENTRIES_MAX * ENTRY_BYTES
    before = dict(memory.rows)
    for number in range(200):
        memory.kind(f"more-{number}", START + 21 * HOUR_US)
        changed = [key for key in memory.rows.keys() | before.keys() if memory.rows.get(key) != before.get(key)]
        assert len(changed) <= 4
        before = dict(memory.rows)


def test_memory_shrinks_when_a_user_becomes_quiet(memory: Memory) -> None:
    busy_then_quiet(memory, 0)
    assert memory.entries() == 20_000
    for day in range(5_000):
        memory.kind(f"quiet-{day}", START + (40 + day) * DAY_US)
    assert memory.entries() < 200
    assert memory.ids().buckets * 6 < 200
    assert memory.ids().entries == memory.entries()


def test_bytes_that_span_two_entries_are_not_taken_for_an_id(memory: Memory) -> None:
    ids = memory.ids()
    ids.add(0, b"\x01" * 4 + b"\x02" * 4, 1, b"\x03" * CONTENT_BYTES, 0)
    ids.add(0, b"\x05" * 8, 1, b"\x03" * CONTENT_BYTES, 0)
    ids.save()
    ids = memory.ids()
    assert ids.find(0, b"\x03" * 8) is None
    assert ids.find(0, b"\x03" * 3 + b"\x05" * 5) is None
    assert ids.find(0, b"\x05" * 8) == b"\x03" * CONTENT_BYTES


@pytest.mark.parametrize(
    "values", [(True, False), (-1, 0, 1), (number_of("BTC"), number_of("ETH")), (START, START + 1)]
)
def test_content_tells_the_values_of_a_field_apart(values: Any) -> None:
    assert len({content_of((value,))[4] for value in values}) == len(values)


def test_a_difference_that_no_field_digest_shows_is_still_a_conflict(memory: Memory) -> None:
    memory.kind("f", START, (1,))
    verdict = memory.events.judge("ada|tape", name_hash_of("f"), Instant(START), content_of((1 + 251,)))
    assert (verdict.kind, verdict.differing) == ("conflicting", ())


@pytest.mark.parametrize("size", [2, 7, 100])
def test_in_batches_the_rows_are_the_same(size: int) -> None:
    """The rows also agree when buckets grow and shrink within a batch."""
    one_by_one, batches = Memory(), Memory()
    steps = [(f"{day}-{number}", day) for day in (0, 1, 90, 91) for number in range(150)]
    steps += [(f"q-{day}", day) for day in range(200, 1_200)]
    for name, day in steps:
        one_by_one.kind(name, START + day * DAY_US)
    for start in range(0, len(steps), size):
        with batches.tables.batch():
            for name, day in steps[start : start + size]:
                batches.kind(name, START + day * DAY_US)
    assert batches.rows == one_by_one.rows
    assert batches.entries() < 150
