"""The table store: an overlay until the commit, then one batch; untrusted local rows are dropped."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.streams import _current_event
from faust.types import TP
from faust_redis.driver.state.stores import Checkpoint, StoreFailedError
from faust_redis.rocksdb.database import Database
from faust_redis.rocksdb.store import RocksStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CHANGELOG = "app-rows-changelog"
P0, P1 = TP(CHANGELOG, 0), TP(CHANGELOG, 1)


def at(offset: int) -> Checkpoint:
    return Checkpoint("one", offset, b"writer")


class LogSide:
    """The part of the consumer that the store uses."""

    def __init__(self) -> None:
        self.known = "one"
        self.committed = 0
        self.noted: list[tuple[TP, int]] = []

    def incarnation(self, topic: str) -> str:
        return self.known

    def is_committed(self, source: tuple[TP, int] | None) -> bool:
        return source is None or source[1] < self.committed

    def builds_on(self, message: Message, base: tuple[TP, int]) -> None:
        self.noted.append(base)


class Message:
    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.tp = TP("in", partition)
        self.offset = 0


class Event:
    def __init__(self, partition: int) -> None:
        self.message = Message(partition)


def changelog_record(offset: int) -> Any:
    message = SimpleNamespace(tp=P0, offset=offset, key=b"k", value=b"%d" % offset, checksum=b"writer")
    return SimpleNamespace(message=message)


@pytest.fixture
async def log_side() -> LogSide:
    return LogSide()


@pytest.fixture
async def store(tmp_path: Path, log_side: LogSide) -> Any:
    app = faust.App("app", datadir=tmp_path, store="memory://", topic_partitions=2)
    table = app.Table("rows", key_type=bytes, value_type=bytes)
    app.finalize()
    app.consumer = log_side  # type: ignore[assignment]
    store = RocksStore("faust-redis-rocksdb://", app, table, key_type=bytes, value_type=bytes)
    await store.on_rebalance({P0, P1}, set(), {P0, P1})
    yield store
    await store.on_stop()


@pytest.fixture
def event() -> Iterator[Event]:
    """Set the current event, of partition 0."""
    event = Event(0)
    token = _current_event.set(lambda: event)  # type: ignore[arg-type]
    yield event
    _current_event.reset(token)


async def test_a_write_is_read_back_before_it_is_committed(store: RocksStore, log_side: LogSide, event: Event) -> None:
    store._set(b"k", b"1")
    assert store._get(b"k") == b"1"
    assert store.database.get("rows", 0, b"k") is None
    log_side.committed = 1
    store.on_committed(P0, [(b"k", b"1")], at(7))
    assert store.database.get("rows", 0, b"k") == b"1"
    assert store.persisted_offset(P0) == 7
    assert store._overlay[0] == {}


async def test_a_committed_row_is_read_in_each_partition_without_an_event_and_without_uncommitted_writes(
    store: RocksStore, event: Event
) -> None:
    store.database.write("rows", 0, [(b"k", b"0")])
    store.database.write("rows", 1, [(b"k", b"1")])
    store._set(b"k", b"later")
    assert store.committed(b"k") == {0: b"0", 1: b"1"}
    await store.on_rebalance({P1}, {P0}, set())
    assert store.committed(b"k") == {1: b"1"}
    await store.on_stop()
    assert store.committed(b"k") == {}


async def test_a_later_write_is_read_while_the_earlier_one_is_committed(
    store: RocksStore, log_side: LogSide, event: Event
) -> None:
    store._set(b"k", b"1")
    event.message.offset = 1
    store._set(b"k", b"2")
    log_side.committed = 1
    store.on_committed(P0, [(b"k", b"1")], at(7))
    assert store._get(b"k") == b"2"


async def test_a_value_that_comes_back_is_not_taken_for_the_commit_of_its_first_write(
    store: RocksStore, log_side: LogSide, event: Event
) -> None:
    """The values are 1, 2, 1. After the commits of the first 1 and the 2, the next event must still read the last 1."""
    for offset, value in enumerate((b"1", b"2", b"1")):
        event.message.offset = offset
        store._set(b"k", value)
    for offset, value in enumerate((b"1", b"2", b"1")):
        log_side.committed = offset + 1
        store.on_committed(P0, [(b"k", value)], at(7 + offset))
        assert store._get(b"k") == b"1"
    assert store._overlay[0] == {}


async def test_an_event_that_writes_a_row_several_times_leaves_nothing_uncommitted(
    store: RocksStore, log_side: LogSide, event: Event
) -> None:
    for value in (b"1", b"2", b"1"):
        store._set(b"k", value)
    log_side.committed = 1
    store.on_committed(P0, [(b"k", b"1")], at(7))
    assert store._overlay[0] == {}


async def test_a_failed_events_rows_are_taken_back_and_no_others(
    store: RocksStore, log_side: LogSide, event: Event
) -> None:
    store.database.write("rows", 0, [(b"k", b"0"), (b"l", b"0")])
    store._set(b"k", b"1")
    event.message.offset = 1
    store._set(b"k", b"2")
    store._set(b"l", b"2")
    store._del(b"new")
    for key in (b"k", b"l", b"new"):
        store.undo(P0, key, (TP("in", 0), 1))
    assert (store._get(b"k"), store._get(b"l"), store._get(b"new")) == (b"1", b"0", None)


async def test_reading_writing_and_scanning_uncommitted_rows_is_noted(
    store: RocksStore, log_side: LogSide, event: Event
) -> None:
    store._set(b"k", b"1")
    store._get(b"k")
    assert log_side.noted == []
    event.message.offset = 1
    store._get(b"other")
    list(store.prefix(b"o"))
    assert log_side.noted == []
    first = (TP("in", 0), 0)
    for touch in (
        lambda: store._get(b"k"),
        lambda: list(store.prefix(b"k")),
        lambda: list(store._iteritems()),
        lambda: store._contains(b"k"),
        lambda: store._set(b"k", b"2"),
    ):
        event.message = copy(event.message)  # an event is noted once for each event that it builds on
        log_side.noted.clear()
        touch()
        touch()
        assert log_side.noted == [first]
    event.message = copy(event.message)
    event.message.offset = 2
    log_side.noted.clear()
    store._del(b"k")
    assert log_side.noted == [(TP("in", 0), 1)]


async def test_a_deleted_row_is_gone_before_and_after_the_commit(
    store: RocksStore, log_side: LogSide, event: Event
) -> None:
    store.on_committed(P0, [(b"k", b"1")], at(1))
    store._del(b"k")
    assert store._get(b"k") is None
    assert list(store._iteritems()) == []
    log_side.committed = 1
    store.on_committed(P0, [(b"k", None)], at(2))
    assert store.database.get("rows", 0, b"k") is None


async def test_uncommitted_rows_do_not_survive_a_rebalance(store: RocksStore, event: Event) -> None:
    store._set(b"k", b"1")
    await store.on_rebalance({P0}, {P1}, set())
    assert store._get(b"k") is None


async def test_partitions_do_not_see_each_other(store: RocksStore, event: Event) -> None:
    store._set(b"k", b"0")
    event.message.partition = 1
    assert store._get(b"k") is None


async def test_prefix_scans_are_ordered_and_see_uncommitted_rows(store: RocksStore, event: Event) -> None:
    store.on_committed(P0, [(b"a|1", b"x"), (b"a|2", b"x"), (b"a|4", b"x"), (b"b|1", b"x")], at(4))
    store._set(b"a|3", b"new")
    store._set(b"a|0", b"new")
    store._del(b"a|2")
    store._set(b"a|4", b"changed")
    assert list(store.prefix(b"a|")) == [(b"a|0", b"new"), (b"a|1", b"x"), (b"a|3", b"new"), (b"a|4", b"changed")]


async def test_rows_of_another_log_are_dropped(store: RocksStore, log_side: LogSide, event: Event) -> None:
    store.on_committed(P0, [(b"k", b"1")], at(7))
    log_side.known = "two"
    assert store.persisted_offset(P0) is None
    assert store._get(b"k") is None


async def test_rows_that_miss_trimmed_records_are_not_trusted(store: RocksStore, event: Event) -> None:
    store.apply_changelog_batch([changelog_record(4), changelog_record(5)], bytes, bytes)
    assert store.checkpoint(P0) is None
    store.wipe(P0)
    store.apply_changelog_batch([changelog_record(0), changelog_record(1)], bytes, bytes)
    assert store.persisted_offset(P0) == 1
    store.apply_changelog_batch([changelog_record(2), changelog_record(4)], bytes, bytes)
    assert store.persisted_offset(P0) == 1


async def test_writing_outside_of_an_event_is_refused(store: RocksStore) -> None:
    with pytest.raises(RuntimeError, match="outside of an event"):
        store._set(b"k", b"1")


def test_a_corrupted_database_is_rebuilt(tmp_path: Path) -> None:
    database = Database.acquire(tmp_path / "db")
    database.write("t", 0, [(b"k", b"v")], Checkpoint("one", 1, b"w"))
    database.release()
    for path in (tmp_path / "db").glob("MANIFEST*"):
        path.write_bytes(b"not a manifest")
    database = Database.acquire(tmp_path / "db")
    assert database.checkpoint("t", 0) is None
    database.write("t", 0, [(b"k", b"v")])
    database.release()


def test_a_database_in_use_is_refused(tmp_path: Path) -> None:
    database = Database.acquire(tmp_path / "db")
    code = (
        "import pathlib, sys; from faust_redis.rocksdb.database import Database; "
        "Database.acquire(pathlib.Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "db")]
    other = subprocess.run(command, capture_output=True, text=True, check=False)
    database.release()
    assert other.returncode != 0
    assert "in use by another process" in other.stderr


def test_stores_of_one_worker_share_a_database_and_the_last_closes_it(tmp_path: Path) -> None:
    first, second = Database.acquire(tmp_path / "db"), Database.acquire(tmp_path / "db")
    assert first is second
    first.release()
    second.write("t", 0, [(b"k", b"v")])
    second.release()
    reopened = Database.acquire(tmp_path / "db")
    assert reopened.get("t", 0, b"k") == b"v"
    reopened.release()


async def test_range_scans_are_ordered_end_before_their_end_and_see_uncommitted_rows(
    store: RocksStore, event: Event
) -> None:
    store.on_committed(P0, [(b"%02d" % i, b"x") for i in range(0, 10, 2)], at(4))
    store._set(b"05", b"new")
    store._del(b"04")
    assert [key for key, _ in store.range(b"02", b"08")] == [b"02", b"05", b"06"]
    assert [key for key, _ in store.range(b"06")] == [b"06", b"08"]
    assert list(store.range(b"10", b"99")) == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.binary(max_size=3), st.booleans(), max_size=12), st.binary(max_size=3), st.binary(max_size=3))
async def test_scans_are_what_a_sorted_dictionary_gives(
    store: RocksStore, event: Event, rows: dict[bytes, bool], begin: bytes, end: bytes
) -> None:
    store._clear()
    store.on_committed(P0, [(key, b"x") for key, committed in rows.items() if committed], at(1))
    for key, committed in rows.items():
        if not committed:
            store._set(key, b"x")
    assert [key for key, _ in store.range(begin, end)] == sorted(key for key in rows if begin <= key < end)
    assert [key for key, _ in store.prefix(begin)] == sorted(key for key in rows if key.startswith(begin))


def test_a_store_that_cannot_be_written_says_so_and_blames_no_event(tmp_path: Path) -> None:
    database = Database.acquire(tmp_path / "db")
    database._db.close()
    with pytest.raises(StoreFailedError, match=r"the table store at .*db failed"):
        database.write("t", 0, [(b"k", b"v")])
    with pytest.raises(StoreFailedError):
        database.get("t", 0, b"k")
    with pytest.raises(StoreFailedError):
        list(database.scan("t", 0))
    Database._open.clear()


def test_a_database_whose_rows_cannot_be_read_is_rebuilt_when_it_is_opened_next(tmp_path: Path) -> None:
    database = Database.acquire(tmp_path / "db")
    database.write("t", 0, [(b"%06d" % i, b"v" * 100) for i in range(5_000)], Checkpoint("one", 1, b"w"))
    database._db.flush()
    database.release()
    for path in (tmp_path / "db").glob("*.sst"):
        content = bytearray(path.read_bytes())
        content[: len(content) // 2] = b"\x00" * (len(content) // 2)
        path.write_bytes(content)
    database = Database.acquire(tmp_path / "db")
    with pytest.raises(StoreFailedError, match="Corruption"):
        list(database.scan("t", 0))
    database.release()
    database = Database.acquire(tmp_path / "db")
    assert database.checkpoint("t", 0) is None
    assert list(database.scan("t", 0)) == []
    database.release()
