"""Read the size of the domains' local state from a worker's stores, for its metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

import faust
from faust_redis.driver.state.stores import StoreFailedError
from faust_redis.rocksdb.database import Sizes
from faust_redis.rocksdb.store import RocksStore


def state_sizes(apps: Mapping[str, faust.App]) -> Iterator[tuple[str, Sizes]]:
    """Yield what the local state of each domain occupies. An app's tables share one database."""
    for domain, app in list(apps.items()):
        stores = (getattr(table, "data", None) for table in list(app.tables.values()))
        store = next((store for store in stores if isinstance(store, RocksStore)), None)
        with suppress(StoreFailedError):  # the app is stopping; the next scrape asks its successor
            if store is not None and (sizes := store.sizes()) is not None:
                yield domain, sizes
