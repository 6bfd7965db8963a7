"""Read the rows that a worker's partitions have under one key, from its stores, for its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

import faust
from faust_redis.driver.state.stores import StoreFailedError
from faust_redis.rocksdb.store import RocksStore
from msgspec.structs import replace

from streams.topology import NAME_SEPARATOR, TableSpec
from tables.domains import TOPOLOGY
from tables.row import Row
from tables.watermark import PRACTICE_KEY, WATERMARK_KEY, Watermark
from tables.windows import added

RowT = TypeVar("RowT", bound=Row)

WATERMARKS: Final = tuple(spec for spec in TOPOLOGY.tables if spec.model is Watermark)
"""The table of watermarks of each domain that has one."""


def committed_rows(apps: Iterable[faust.App], spec: TableSpec[RowT], key: str) -> Iterator[tuple[int, RowT]]:
    """Yield partition and row of each partition whose rows of a table are here, if its domain is among some apps."""
    for app in list(apps):
        domain = app.conf.id.rpartition(NAME_SEPARATOR)[2]
        table: Any = app.tables.get(spec.short_name) if domain == spec.domain else None
        store = getattr(table, "data", None)
        if isinstance(store, RocksStore) and spec.model is not None:
            for partition, raw in _committed(store, key).items():
                yield partition, spec.model.load(raw)


def _committed(store: RocksStore, key: str) -> dict[int, bytes]:
    try:
        return store.committed(key.encode())
    except StoreFailedError:  # the app is stopping; the next scrape asks its successor
        return {}


def watermarks_of(apps: Iterable[faust.App]) -> list[tuple[str, int, Watermark]]:
    """Return domain, partition and watermark of each partition whose rows are here.

    Where a partition has two, it is the later time, and the sum of the late events.
    """
    apps, merged = list(apps), dict[tuple[str, int], Watermark]()
    for spec in WATERMARKS:
        for key in (WATERMARK_KEY, PRACTICE_KEY):
            for partition, found in committed_rows(apps, spec, key):
                before = merged.get((spec.domain, partition), Watermark())
                dropped = added(before.dropped, found.dropped)
                highest = max(before.highest, found.highest)
                merged[spec.domain, partition] = replace(found, highest=highest, dropped=dropped)
    return [(domain, partition, mark) for (domain, partition), mark in merged.items()]
