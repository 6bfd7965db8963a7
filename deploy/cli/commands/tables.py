"""`astratrade tables`: read the committed rows of tables."""

from __future__ import annotations

from pathlib import Path

import click
from faust_redis.log import UnknownTopicError

from deploy.cli.commands.options import ask_log, data_dir_option
from deploy.errors import DeployError
from deploy.settings import load
from tables.domains import TOPOLOGY
from tables.history import HistoryError
from tables.inspection import row_text, rows_now, rows_then
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
    values = ask_log(settings, lambda log: _values(TableReader(log, settings.app_id), table, key, at))
    if not values:
        raise DeployError(f"table {table} has no row {key!r}")
    for value in values:
        click.echo(row_text(TOPOLOGY.table(table), value))


async def _values(reader: TableReader, table: str, key: str, at: str | None) -> list[bytes]:
    if at is None:
        return await rows_now(reader, table, key)
    try:
        return await rows_then(reader, table, key, at)
    except (ValueError, HistoryError) as exc:
        raise DeployError(f"cannot read {table} at {at}: {exc}") from exc


async def _sizes(reader: TableReader) -> dict[str, int | None]:
    sizes: dict[str, int | None] = {}
    for spec in TOPOLOGY.tables:
        try:
            sizes[spec.name] = await reader.size(spec.name)
        except UnknownTopicError:
            sizes[spec.name] = None
    return sizes
