"""Scans of the database of tables, and what they cost after many rows were deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from faust_redis.rocksdb import database as module
from faust_redis.rocksdb.database import Database
from hypothesis import given
from hypothesis import strategies as st
from rocksdict import Options

DELETED = 5_000
KEYS = st.sampled_from([b"", b"a", b"aa", b"b", b"c", b"\xff"])

_numbers = count()


@pytest.fixture
def statistics(monkeypatch: pytest.MonkeyPatch) -> Options:
    """Let the databases of a test count what they do."""
    options = module._options()
    options.enable_statistics()
    monkeypatch.setattr(module, "_options", lambda: options)
    return options


def skipped(statistics: Options) -> int:
    """Return how many deleted or overwritten rows all scans have stepped over."""
    found = re.search(r"rocksdb\.number\.iter\.skip COUNT : (\d+)", statistics.get_statistics() or "")
    assert found is not None
    return int(found.group(1))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.acquire(tmp_path / "db")
    yield database
    database.release()


def test_a_scan_from_the_beginning_steps_over_deleted_rows_once(statistics: Options, database: Database) -> None:
    keys = [b"%05d" % number for number in range(DELETED)]
    database.write("t", 0, [(key, b"x") for key in (*keys, b"last")])
    database.write("t", 0, [(key, None) for key in keys])
    assert [key for key, _ in database.scan("t", 0)] == [b"last"]
    once = skipped(statistics)
    assert once >= DELETED
    assert [key for key, _ in database.scan("t", 0)] == [b"last"]
    assert skipped(statistics) - once < 10
    database.write("t", 0, [(b"last", None)])
    assert [list(database.scan("t", 0)) for _ in range(2)] == [[], []]
    assert skipped(statistics) - once < 20


STEPS = st.one_of(
    st.tuples(st.just("write"), st.dictionaries(KEYS, st.sampled_from([b"x", None]), max_size=3)),
    st.tuples(st.just("scan"), st.tuples(st.just(b"") | KEYS, st.none() | KEYS)),
    st.tuples(st.just("wipe"), st.none()),
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Open one database for all examples. Each has a table of its own."""
    database = Database.acquire(tmp_path_factory.mktemp("shared"))
    yield database
    database.release()


@given(st.lists(STEPS, min_size=2, max_size=20))
def test_a_scan_finds_each_row_whatever_was_scanned_and_deleted_before(
    shared: Database, steps: list[tuple[str, object]]
) -> None:
    table, rows = f"t{next(_numbers)}", dict[bytes, bytes]()
    for neighbour in (0, 2):
        shared.write(table, neighbour, [(b"", b"other"), (b"z", b"other")])
    for step, what in steps:
        if step == "write":
            assert isinstance(what, dict)
            shared.write(table, 1, what.items())
            rows = {key: value for key, value in {**rows, **what}.items() if value is not None}
        elif step == "wipe":
            shared.wipe(table, 1)
            rows = {}
        else:
            assert isinstance(what, tuple)
            begin, end = what
            expected = sorted(one for one in rows.items() if one[0] >= begin and (end is None or one[0] < end))
            assert list(shared.scan(table, 1, begin, end)) == expected
    assert dict(shared.scan(table, 1)) == rows
