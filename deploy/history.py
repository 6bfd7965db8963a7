"""Query the archive by SQL: a view for each topic and table, and one of all events. DuckDB runs within this process.

The query can read these views and nothing else: no file, no network, no setting.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import duckdb
import pyarrow as pa
from faust_redis.archive.paths import Place
from faust_redis.archive.storage import Storage
from faust_redis.log import Log, TopicPartition
from faust_redis.log.archived import Manifests
from pyarrow import dataset

from deploy.errors import DeployError
from streams.topology import TableSpec
from tables.inspection import row_text

ROWS_AT_ONCE: Final = 1_000
PARTS: Final = pa.schema(
    [("namespace", pa.string()), ("topic", pa.string()), ("incarnation", pa.string()), ("partition", pa.int32())]
)
"""What the directories of a file's path are."""
RECORDS: Final = "records"
JSON: Final = "JSON"
VIEW_OF_RECORDS: Final = """
create view "{topic}" as
select "offset", partition, try(make_timestamp(timestamp_ms * 1000)) as time, append_number,
       try(decode(key)) as key, try(decode(value)) as value, headers
from records where topic = '{topic}'
"""
VIEW_OF_EVENTS: Final = """
create view events as
select event->>'$.id' as id, event->>'$.type' as type, try_cast(event->>'$.time' as timestamptz) as time,
       event->>'$.partitionkey' as key, event->>'$.correlationid' as correlationid,
       event->>'$.causationid' as causationid, event->'$.data' as data, topic, partition, "offset", append_number
from (select *, try(decode(value)::json) as event from records where topic in ({topics}))
"""
VIEW_OF_ROWS: Final = """
create view "{table}" as
select key, {{'table': '{table}', 'stored': max_by(value, "offset") filter (value is not null)}} as row,
       max_by(time, "offset") filter (value is not null) as changed_at, max_by(value is null, "offset") as has_left
from (select partition, try(decode(key)) as key, value, "offset", try(make_timestamp(timestamp_ms * 1000)) as time
      from records where topic = '{topic}')
group by partition, key
"""
STORED: Final = 'STRUCT("table" VARCHAR, "stored" BLOB)'
"""The type of the column of rows, which are decoded when they are shown: a query cannot look into them."""
CLOSED: Final = (
    "set TimeZone = 'UTC'",
    "set python_enable_replacements = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
)


class Column(NamedTuple):
    """A column of a result; the text of a JSON column is JSON."""

    name: str
    is_json: bool


class Files(NamedTuple):
    """The archived files of some topics.

    Attributes:
        topics: The topics that have a file.
        paths: The files, below the place of the archive.
    """

    topics: list[str]
    paths: list[str]


async def files_of(log: Log, topics: Sequence[str]) -> Files:
    """Return the files that the manifests of topics name. Those of a merge that is under way are not among them."""
    known, found, paths = set(await log.topics()), dict[str, None](), list[str]()
    for shard in log.shards:
        manifests = Manifests(shard)
        for topic in (topic for topic in topics if topic in known):
            for partition, manifest in (await manifests.of_topic(topic)).items():
                place = Place(manifests.namespace, TopicPartition(topic, partition), manifest.incarnation)
                paths += [place.segment(segment.name) for segment in manifest.segments]
                found |= dict.fromkeys([topic] if manifest.segments else ())
    return Files([*found], paths)


class History:
    """A connection that has the views."""

    def __init__(self, storage: Storage, files: Files, tables: Mapping[str, TableSpec[Any]], memory: str) -> None:
        """Open it.

        Args:
            storage: The place of the archive.
            files: The files.
            tables: Tables by the topic of their changelog. All other topics have events.
            memory: What a query may take, such as 512MB.

        Raises:
            DeployError: there are no files, or the amount of memory is none.
        """
        if not files.paths:
            raise DeployError("the archive has no records yet; `astratrade archive status` says how far it is")
        found = dataset.dataset(
            [storage.within(path) for path in files.paths],
            filesystem=storage.filesystem,
            format="parquet",
            partitioning=dataset.DirectoryPartitioning(PARTS),
            partition_base_dir=storage.within(""),
        )
        self._tables = {table.name: table for table in tables.values()}
        events = [topic for topic in files.topics if topic not in tables]
        try:
            self._database = duckdb.connect(":memory:", config={"memory_limit": memory, "temp_directory": ""})
            self._database.register(RECORDS, found)
            for topic in events:
                self._database.execute(VIEW_OF_RECORDS.format(topic=topic))
            for topic in files.topics:
                if topic in tables:
                    self._database.execute(VIEW_OF_ROWS.format(topic=topic, table=tables[topic].name))
            topics = ", ".join(f"'{topic}'" for topic in events)
            self._database.execute(VIEW_OF_EVENTS.format(topics=topics))
            for statement in CLOSED:
                self._database.execute(statement)
        except duckdb.Error as exc:
            raise DeployError(_line(exc)) from exc

    def query(self, sql: str) -> tuple[list[Column], Iterator[tuple[Any, ...]]]:
        """Run a query; return the columns, and the rows as they come.

        Raises:
            DeployError: the query is wrong, or takes more memory than it may.
        """
        try:
            result = self._database.execute(sql)
        except (duckdb.Error, pa.ArrowException, OSError) as exc:
            raise DeployError(_line(exc)) from exc
        kinds = [(name, str(kind)) for name, kind, *_ in result.description or ()]
        stored = [number for number, (_, kind) in enumerate(kinds) if kind == STORED]
        rows = self._rows(result)
        columns = [Column(name, kind in {JSON, STORED}) for name, kind in kinds]
        return columns, (self._shown(row, stored) for row in rows) if stored else rows

    def _shown(self, row: tuple[Any, ...], stored: Sequence[int]) -> tuple[Any, ...]:
        """Return a row of a result with the rows of tables in it as JSON."""
        shown = list(row)
        for number in stored:
            if row[number] is not None and (raw := row[number]["stored"]) is not None:
                shown[number] = row_text(self._tables[row[number]["table"]], raw)
        return tuple(shown)

    def _rows(self, result: Any) -> Iterator[tuple[Any, ...]]:
        while True:
            try:
                some = result.fetchmany(ROWS_AT_ONCE)
            except (duckdb.Error, pa.ArrowException, OSError) as exc:
                raise DeployError(_line(exc)) from exc
            if not some:
                return
            yield from some

    def close(self) -> None:
        """Close the connection."""
        self._database.close()


def as_json(value: Any) -> Any:
    """Return a value of a row as JSON takes it: times in ISO 8601, bytes in hexadecimal, JSON columns as they are."""
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def json_line(columns: Sequence[Column], row: Sequence[Any]) -> str:
    """Return a row as a JSON object in one line."""
    parsed = {
        column.name: json.loads(value) if column.is_json and value is not None else as_json(value)
        for column, value in zip(columns, row, strict=True)
    }
    return json.dumps(parsed, default=str, ensure_ascii=False)


def _line(exc: Exception) -> str:
    """Return the message of an error in one line."""
    return " ".join(str(exc).split())
