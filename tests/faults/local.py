"""Check that the rows which workers keep on disk are the fold of the changelog up to their offset."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from faust_redis.log import Log, StoredRecord
from faust_redis.rocksdb.database import Database

from streams.topology import changelog_topic
from tables.domains import TOPOLOGY
from tests.bench.group_progress import APP_ID
from tests.e2e.topic_records import records_of
from tests.faults.events import Finding, finding_if_any

Changes = Mapping[int, Sequence[StoredRecord]]


async def local_rows_differ(log: Log, workers: Path) -> list[Finding]:
    """Check every worker's database, as it was left after the workers ended or crashed."""
    databases = {path: Database.acquire(path) for path in databases_in(workers)}
    try:
        found: list[Finding] = []
        for table in TOPOLOGY.tables:
            changes = await records_of(log, changelog_topic(APP_ID, table.name))
            for path, database in databases.items():
                worker, domain = path.relative_to(workers).parts[:2]
                if domain == table.domain:
                    found += rows_differ(f"{worker}/{domain}", database, table.short_name, changes)
        return found
    finally:
        for database in databases.values():
            database.release()


def databases_in(workers: Path) -> list[Path]:
    return sorted(workers.rglob("rocksdb"))


def rows_differ(worker: str, database: Database, table: str, changes: Changes) -> Iterator[Finding]:
    for partition, records in changes.items():
        kept = database.checkpoint(table, partition)
        if kept is None or not records or records[0].offset:
            continue  # The worker kept nothing, or the beginning of the changelog was trimmed.
        offset = kept.offset
        right: dict[bytes, bytes] = {}
        for record in records[: offset + 1]:
            if record.key is not None and record.value is not None:
                right[record.key] = record.value
            elif record.key is not None:
                right.pop(record.key, None)
        rows = dict(database.scan(table, partition))
        wrong = sorted(key for key in right.keys() | rows.keys() if right.get(key) != rows.get(key))
        where = f"{worker}: {table}:{partition} on disk, up to offset {offset}"
        yield from finding_if_any(where, "rows that are not the fold of the changelog", wrong)
