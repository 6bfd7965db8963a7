"""`tables`: read the committed rows of tables."""

from __future__ import annotations

import json

import click

from faust_redis.admin import Admin, InvalidRequestError
from faust_redis.admin.client import CHANGELOG_SUFFIX
from faust_redis.cli.program import Ask, Program
from faust_redis.cli.text import readable
from faust_redis.log.client import Log
from faust_redis.log.errors import UnknownTopicError

TABLES = """Read the committed rows of tables. The name of a table is APPLICATION-TABLE.

\b
Example:
  PROGRAM tables get shop-totals ada
"""
LIST = """List the tables with their numbers of rows.

\b
Example:
  PROGRAM tables list
"""
GET = """Print the row of TABLE under KEY, one line for each partition that has one.

KEY is the text of a key; a key that the application serializes as JSON is found, too.

\b
Example:
  PROGRAM tables get shop-totals ada
"""


def tables(program: Program) -> click.Group:
    """Make the command for a program."""

    @click.group("tables", help=program.help(TABLES))
    def group() -> None:
        pass

    @group.command("list", help=program.help(LIST))
    @program.target
    def list_tables(*, ask: Ask) -> None:
        found = ask(lambda log: Admin(log).tables())
        width = max((len(table.name) for table in found), default=0)
        for table in found:
            click.echo(f"{table.name:<{width}}  {table.rows:>12}")
        if not found:
            click.echo("there are no tables yet; a worker creates them")

    @group.command("get", help=program.help(GET))
    @click.argument("table")
    @click.argument("key")
    @program.target
    def get(*, ask: Ask, table: str, key: str) -> None:
        for value in ask(lambda log: _values(log, table, key)):
            click.echo(readable(value))

    return group


async def _values(log: Log, table: str, key: str) -> list[bytes]:
    admin = Admin(log)
    try:
        topic = table + CHANGELOG_SUFFIX
        found = await admin.values(topic, key.encode()) or await admin.values(topic, json.dumps(key).encode())
    except UnknownTopicError:
        names = ", ".join(one.name for one in await admin.tables())
        raise InvalidRequestError(f"there is no table {table!r}; there are: {names or 'none'}") from None
    if not found:
        raise InvalidRequestError(f"table {table} has no row {key!r}")
    return found
