"""Faust's memory store: a failed event's writes are undone, whatever other events wrote before and after it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from faust.streams import _current_event
from faust.types import TP
from faust_redis.driver.state.memory import MemoryTable
from hypothesis import given
from hypothesis import strategies as st

IN = TP("in", 0)


def silent(*_: Any) -> None:
    """Return a sensor that does nothing."""


@given(
    writers=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    order=st.permutations(range(5)),
    failed=st.integers(0, 5),
    present=st.booleans(),
)
def test_the_last_write_of_the_events_that_did_not_fail_remains(
    writers: list[int], order: list[int], failed: int, *, present: bool
) -> None:
    rows: dict[str, Any] = {"k": "before"} if present else {}
    table: Any = SimpleNamespace(
        data=SimpleNamespace(data=rows), _sensor_on_get=silent, _sensor_on_set=silent, _sensor_on_del=silent
    )
    events: Any = SimpleNamespace(builds_on=silent, is_committed=lambda _source: False)
    memory = MemoryTable(table, events)
    for number, writer in enumerate(writers):
        event = SimpleNamespace(message=SimpleNamespace(tp=IN, offset=writer))
        token = _current_event.set(lambda event=event: event)  # type: ignore[arg-type]
        if number % 3 == 2:
            table._sensor_on_del(table, "k")
            rows.pop("k", None)
        else:
            table._sensor_on_set(table, "k", number)
            rows["k"] = number
        _current_event.reset(token)
    for writer in order[:failed]:
        memory.undo((IN, writer))
    kept = [number for number, writer in enumerate(writers) if writer not in order[:failed]]
    expected = ("before" if present else None) if not kept else None if kept[-1] % 3 == 2 else kept[-1]
    assert rows.get("k") == expected
    for writer in order:
        memory.undo((IN, writer))
    assert (rows.get("k"), memory.writes) == ("before" if present else None, {})
