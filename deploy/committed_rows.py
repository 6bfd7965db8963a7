"""Read the rows that a worker's partitions have under one key, from its stores, for its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

import faust
from faust_redis.driver.state.stores import StoreFailedError
from faust_redis.rocksdb.store import RocksStore

from streams.topology import NAME_SEPARATOR, TableSpec
from tables.domains import TOPOLOGY
from tables.row import Row
from tables.watermark import WATERMARK_KEY, Watermark

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
    """Return domain, partition and watermark of each partition whose rows are here."""
    apps = list(apps)
    return [(spec.domain, *found) for spec in WATERMARKS for found in committed_rows(apps, spec, WATERMARK_KEY)]
