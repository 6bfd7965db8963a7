"""`astratrade tables`: read the committed rows of tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from faust_redis.admin import Admin
from faust_redis.cli.text import readable
from faust_redis.log import Log, Position, UnknownTopicError

from deploy.cli.commands.options import ask_log, data_dir_option
from deploy.errors import DeployError
from deploy.settings import Settings, load
from streams.topology import TableSpec
from streams.wire import WireError
from tables.domains import TOPOLOGY
from tables.history import HistoryError, rows_at
from tables.reader import TableReader


@click.group()
def tables() -> None:
    """Read the committed rows of tables.

    \b
    Example:
      astratrade tables get gamification-progress trader-1
    """


@tables.command("list")
@data_dir_option
def list_tables(data_dir: Path | None) -> None:
    """List the tables with their numbers of rows.

    \b
    Example:
      astratrade tables list
    """
    settings = load(data_dir=data_dir)
    sizes = ask_log(settings, lambda log: _sizes(TableReader(log, settings.app_id)))
    for name, size in sizes.items():
        click.echo(f"{name:<26}{'not created' if size is None else size:>12}")


@tables.command("get")
@click.argument("table", metavar="TABLE", type=click.Choice([spec.name for spec in TOPOLOGY.tables]))
@click.argument("key")
@click.option("--at", metavar="POSITION", help="The row as it was at a position of the table, which answers name.")
@data_dir_option
def get_row(table: str, key: str, at: str | None, data_dir: Path | None) -> None:
    """Print the row of TABLE under KEY as JSON, one line for each partition that has one.

    Amounts are integers of 1e-8 USD, times microseconds since 1970.

    \b
    Examples:
      astratrade tables get gamification-progress trader-1
      astratrade tables get trading-positions 'trader-1|BTC'
      astratrade tables get gamification-progress trader-1 --at 5f0c9a4e21bd:0-12.1-7
    """
    settings = load(data_dir=data_dir)
    if at is None:
        values = ask_log(settings, lambda log: _values(log, settings, table, key))
    else:
        values = ask_log(settings, lambda log: _values_at(log, settings, table, key, at))
    if not values:
        raise DeployError(f"table {table} has no row {key!r}")
    for value in values:
        click.echo(row_text(TOPOLOGY.table(table), value))


def row_text(table: TableSpec[Any], value: bytes) -> str:
    """Return a stored row as a line of JSON with the names of its fields, or as far as it can be read."""
    try:
        return (
            readable(value)
            if table.model is None
            else json.dumps(table.model.load(value).as_json(), ensure_ascii=False)
        )
    except WireError:
        return readable(value)


async def _sizes(reader: TableReader) -> dict[str, int | None]:
    sizes: dict[str, int | None] = {}
    for spec in TOPOLOGY.tables:
        try:
            sizes[spec.name] = await reader.size(spec.name)
        except UnknownTopicError:
            sizes[spec.name] = None
    return sizes


async def _values(log: Log, settings: Settings, table: str, key: str) -> list[bytes]:
    """Read a key in all partitions. A row is in the partition of its event, which the key does not determine."""
    return await Admin(log).values(TableReader(log, settings.app_id).topic(table), key.encode())


async def _values_at(log: Log, settings: Settings, table: str, key: str, at: str) -> list[bytes]:
    """Read a key, as it was at a position, in all partitions that the position names.

    Raises:
        DeployError: when the position is none of this table, or the log does not keep enough.
    """
    topic = TableReader(log, settings.app_id).topic(table)
    try:
        position = Position.parse(at) if "@" in at else Position.parse_tag(topic, at)
        if position.topic != topic:
            raise DeployError(f"the position is one of {position.topic}; table {table} has positions of {topic}")
        found = [await rows_at(log, position, partition, [key.encode()]) for partition in position.offsets]
    except (ValueError, HistoryError) as exc:
        raise DeployError(f"cannot read {table} at {at}: {exc}") from exc
    return [row for [row] in found if row is not None]
