"""Batches over tables: each row is read once and written once, or not at all; reads see the batch's changes."""

from __future__ import annotations

from typing import Any

import pytest

from tables.trading import TRADING_MARKS, TRADING_PROCESSED, Mark
from tables.unit_of_work import UnitOfWork
from tests.unit.tables.counting import Counting


class Opened:
    """Two tables of one domain."""

    def __init__(self, stored: dict[bytes, bytes] | None = None) -> None:
        self.maps = {TRADING_PROCESSED.name: Counting(stored or {}), TRADING_MARKS.name: Counting()}
        self.tables = UnitOfWork(lambda spec: self.maps[spec.name])
        self.seen = self.tables.raw(TRADING_PROCESSED)
        self.marks = self.tables.rows(TRADING_MARKS)
        self.stored = self.maps[TRADING_PROCESSED.name]


def test_a_row_is_read_once_and_written_once_at_the_end() -> None:
    opened = Opened({b"a": b"0"})
    with opened.tables.batch():
        for number in range(1, 6):
            assert opened.seen.get("a") == str(number - 1).encode()
            opened.seen.put("a", str(number).encode())
        assert opened.stored == {b"a": b"0"}
    assert opened.stored == {b"a": b"5"}
    assert (opened.stored.reads, opened.stored.writes) == (1, 1)


def test_a_row_that_is_only_read_is_not_written() -> None:
    opened = Opened({b"a": b"0"})
    with opened.tables.batch():
        assert [opened.seen.get("a"), opened.seen.get("b"), opened.seen.get("b")] == [b"0", None, None]
    assert (opened.stored.reads, opened.stored.writes) == (2, 0)


def test_a_batch_that_raises_leaves_every_table_as_it_was_and_nothing_behind() -> None:
    opened = Opened({b"a": b"0", b"c": b"0"})

    def fail() -> None:
        with opened.tables.batch():
            opened.seen.put("a", b"1")
            opened.seen.delete("c")
            opened.marks.put("BTC", Mark(price=1, at=1))  # type: ignore[arg-type]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert opened.stored == {b"a": b"0", b"c": b"0"}
    assert opened.maps[TRADING_MARKS.name] == {}
    with opened.tables.batch():
        assert opened.seen.get("a") == b"0"
    assert opened.stored.writes == 0


def test_a_failed_write_of_rows_leaves_nothing_pending_in_the_tables() -> None:
    opened = Opened()
    opened.stored.broken = True

    def fail() -> None:
        with opened.tables.batch():
            opened.seen.put("a", b"1")

    with pytest.raises(OSError, match="full"):
        fail()
    opened.stored.broken = False
    with opened.tables.batch():
        assert opened.seen.get("a") is None


def test_a_scan_sees_what_the_batch_holds() -> None:
    opened = Opened({b"BTC|1": b"a", b"BTC|2": b"b", b"ETH|1": b"y"})
    with opened.tables.batch():
        opened.seen.put("BTC|3", b"c")
        opened.seen.put("BTC|0", b"n")
        opened.seen.put("BTC|1", b"A")
        opened.seen.delete("BTC|2")
        opened.seen.delete("BTC|3")
        assert opened.seen.get("BTC|9") is None
        assert opened.seen.prefix("BTC|") == [("BTC|0", b"n"), ("BTC|1", b"A")]
    assert opened.stored == {b"BTC|0": b"n", b"BTC|1": b"A", b"ETH|1": b"y"}


def test_a_row_made_and_deleted_in_a_batch_was_never_there() -> None:
    opened = Opened()
    with opened.tables.batch():
        opened.seen.put("a", b"1")
        opened.seen.delete("a")
        assert opened.seen.get("a") is None
    assert (opened.stored, opened.stored.writes, opened.stored.deletes) == ({}, 0, 0)


def test_a_row_is_deleted_by_one_read_of_the_table_and_without_a_look_at_it() -> None:
    opened = Opened()
    marks = opened.maps[TRADING_MARKS.name]
    marks[b"BTC"] = b"no row"
    with opened.tables.batch():
        opened.marks.delete("BTC")
        opened.marks.delete("ETH")
    assert (marks, marks.reads, marks.deletes) == ({}, 2, 1)


def test_a_row_that_was_put_unread_and_deleted_is_deleted_where_the_table_has_it() -> None:
    opened = Opened({b"a": b"0"})
    with opened.tables.batch():
        for key in ("a", "b"):
            opened.seen.put(key, b"1")
            opened.seen.delete(key)
    assert (opened.stored, opened.stored.deletes) == ({}, 1)


def test_the_keys_of_a_range_are_those_that_the_batch_holds() -> None:
    opened = Opened({b"a": b"", b"b": b"", b"c": b"", b"e": b""})
    with opened.tables.batch():
        opened.seen.put("d", b"")
        opened.seen.put("b", b"1")
        opened.seen.delete("c")
        assert list(opened.seen.keys("b", "e")) == [key for key, _ in opened.seen.range("b", "e")] == ["b", "d"]


def test_after_a_batch_writes_go_straight_to_the_table() -> None:
    opened = Opened()
    with opened.tables.batch():
        opened.seen.put("a", b"1")
    opened.seen.put("b", b"2")
    opened.seen.delete("a")
    assert opened.stored == {b"b": b"2"}


def test_a_batch_inside_of_another_is_refused() -> None:
    opened = Opened()
    with opened.tables.batch(), pytest.raises(RuntimeError, match="not ended"), opened.tables.batch():
        pass


def test_sums_are_written_before_the_tables_that_they_end_in() -> None:
    opened = Opened()

    class Sum:
        def __init__(self) -> None:
            self.total: Any = None

        def begin(self) -> None:
            self.total = 0

        def write(self) -> None:
            opened.seen.put("sum", str(self.total).encode())

        def drop(self) -> None:
            self.total = None

    total = Sum()
    opened.tables.join(total)
    with opened.tables.batch():
        opened.seen.put("sum", b"0")
        total.total += 7
    assert (opened.stored, opened.stored.writes) == ({b"sum": b"7"}, 1)
