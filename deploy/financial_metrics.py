"""Read the last audits of the ledger from a worker's store, for its metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import faust
from faust_redis.driver.state.stores import StoreFailedError
from faust_redis.rocksdb.store import RocksStore

from streams.topology import NAME_SEPARATOR
from tables.financial import AUDIT_KEY, FINANCIAL_AUDITS, Audit


def last_audits(apps: Iterable[faust.App]) -> list[tuple[int, Audit]]:
    """Return the last audit of each partition that the app of the financial domain keeps, if it is among some apps."""
    for app in list(apps):
        domain = app.conf.id.rpartition(NAME_SEPARATOR)[2]
        table: Any = app.tables.get(FINANCIAL_AUDITS.short_name) if domain == FINANCIAL_AUDITS.domain else None
        store = getattr(table, "data", None)
        if isinstance(store, RocksStore):
            return [(partition, Audit.load(raw)) for partition, raw in _committed(store).items()]
    return []


def _committed(store: RocksStore) -> dict[int, bytes]:
    try:
        return store.committed(AUDIT_KEY.encode())
    except StoreFailedError:  # the app is stopping; the next scrape asks its successor
        return {}
