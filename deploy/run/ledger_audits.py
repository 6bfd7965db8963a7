"""Read the last audits of the ledger from a worker's store, for its metrics."""

from __future__ import annotations

from typing import Any

import faust
from faust_redis.driver.state.stores import StoreFailedError
from faust_redis.rocksdb.store import RocksStore

from tables.financial import AUDIT_KEY, FINANCIAL_AUDITS, Audit


def last_audits(app: faust.App | None) -> list[tuple[int, Audit]]:
    """Return the last audit of each partition that an app of the financial domain keeps; none of another app."""
    table: Any = None if app is None else app.tables.get(FINANCIAL_AUDITS.short_name)
    store = getattr(table, "data", None)
    if not isinstance(store, RocksStore):
        return []
    try:
        rows = store.committed(AUDIT_KEY.encode())
    except StoreFailedError:  # the app is stopping; the next scrape asks its successor
        return []
    return [(partition, Audit.load(raw)) for partition, raw in rows.items()]
