"""`astratrade history`: query the archive by SQL."""

from __future__ import annotations

import csv
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from faust_redis.cli.text import columns

from deploy.cli.commands.options import ask_log, data_dir_option
from deploy.settings import load
from streams.topology import changelog_topic
from tables.domains import TOPOLOGY

if TYPE_CHECKING:
    from deploy.history import Column

TABLE_ROWS_MAX: Final = 1_000
TEXT_MAX: Final = 60


@click.command()
@click.argument("sql")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="A table of at most 1,000 rows with short texts; a JSON object a line; or CSV with a header.",
)
@click.option("--memory", default="512MB", show_default=True, help="What the query may take.")
@data_dir_option
def history(sql: str, *, shape: str, memory: str, data_dir: Path | None) -> None:
    """Run a query of the archived events in DuckDB's SQL. Records that are not archived yet are not in it.

    The view `events` has the columns id, type, time, key, correlationid, causationid, data (JSON), topic, partition,
    offset and append_number. Each topic is a view of its records under its own name, in double quotes. Each table is a
    view of the last version of its rows, also of those that have left: key, row (JSON), changed_at and has_left.

    \b
    Examples:
      astratrade history "SELECT type, count(*) FROM events GROUP BY type ORDER BY 2 DESC"
      astratrade history --format csv "SELECT time, data->>'$.price' FROM events WHERE key = 'trader-1'"
      astratrade history --format json "SELECT * FROM \"trading-trades\" WHERE key = 'trader-1|order-7'"
    """
    from deploy.history import History, files_of  # noqa: PLC0415 - DuckDB takes a moment to import
    from deploy.run.archive import storage_of  # noqa: PLC0415

    settings = load(data_dir=data_dir)
    storage = storage_of(settings)
    tables = {changelog_topic(settings.app_id, table.name): table for table in TOPOLOGY.tables}
    files = ask_log(settings, lambda log: files_of(log, [*TOPOLOGY.topics, *tables]))
    found = History(storage, files, tables, memory)
    try:
        head, rows = found.query(sql)
        _print(shape, head, rows)
    finally:
        found.close()


def _print(shape: str, head: Sequence[Column], rows: Iterator[tuple[Any, ...]]) -> None:
    from deploy.history import as_json, json_line  # noqa: PLC0415

    if shape == "json":
        for row in rows:
            click.echo(json_line(head, row))
    elif shape == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(column.name for column in head)
        writer.writerows([as_json(value) for value in row] for row in rows)
    else:
        shown = [tuple(_short(as_json(value)) for value in row) for row in itertools.islice(rows, TABLE_ROWS_MAX)]
        click.echo("\n".join(columns([column.name for column in head], shown)))
        if next(rows, None) is not None:
            click.echo(f"(only the first {TABLE_ROWS_MAX:,} rows; --format csv and json print all)")


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX - 1]}…"
