"""`astratrade database`: the schema of the database of accounts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from deploy.cli.commands.options import data_dir_option
from deploy.settings import load


@click.group()
def database() -> None:
    """Upgrade or downgrade the schema of the database of accounts, which ASTRA_DATABASE_URL names.

    \b
    Example:
      astratrade database upgrade
    """


@database.command()
@data_dir_option
def upgrade(data_dir: Path | None) -> None:
    """Upgrade the schema to the newest revision. Running processes may go on: they see the tables that they know.

    \b
    Example:
      ASTRA_DATABASE_URL=postgresql://astra@db/astra astratrade database upgrade
    """
    settings = load(data_dir=data_dir)
    from deploy.admin.database import prepare_database  # noqa: PLC0415 - Alembic takes a moment to import

    asyncio.run(prepare_database(settings))
    _print_revision(settings.identity_url)


@database.command()
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_dir_option
def downgrade(revision: str, *, yes: bool, data_dir: Path | None) -> None:
    """Downgrade the schema to REVISION. Data that the older schema has no place for is deleted; `base` deletes all.

    \b
    Example:
      astratrade database downgrade 0001
    """
    settings = load(data_dir=data_dir)
    from api.identity.store import migrate  # noqa: PLC0415

    if not yes:
        click.confirm(
            f"Downgrade the database of accounts to {revision}, and delete what has no place there?", abort=True
        )
    asyncio.run(migrate.downgrade(settings.identity_url, revision))
    _print_revision(settings.identity_url)


@database.command()
@data_dir_option
def current(data_dir: Path | None) -> None:
    """Print the revision of the schema, and the revision that this program needs.

    \b
    Example:
      astratrade database current
    """
    _print_revision(load(data_dir=data_dir).identity_url)


def _print_revision(url: str) -> None:
    from api.identity.store import revisions  # noqa: PLC0415

    revision = asyncio.run(revisions.current(url))
    click.echo(f"revision {revision or 'none'}; this program needs {revisions.HEAD}")
