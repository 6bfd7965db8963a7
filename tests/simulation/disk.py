"""The production table store on a simulated disk, which outlives the process."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from faust_redis.rocksdb.store import RocksStore
from faust_redis.testing.disk import Disk, OpenDisk

__all__ = ["Disk", "OpenDisk", "SimulatedStore"]


class SimulatedStore(RocksStore):
    """The production table store on a simulated disk."""

    def __init__(self, app: Any, table: str, changelog: str, database: OpenDisk) -> None:
        self.app = app
        self.table = SimpleNamespace(
            changelog_topic=SimpleNamespace(get_topic_name=lambda: changelog), use_partitioner=False, is_global=False
        )  # type: ignore[assignment]
        self.table_name = table
        self._database = database  # type: ignore[assignment]
        self._overlay = {}
        self._partitions = set()
