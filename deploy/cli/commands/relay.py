"""`astratrade relay`: publish the events of the database of accounts."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.cli.commands.options import data_dir_option
from deploy.run import logs
from deploy.settings import load


@click.command()
@data_dir_option
def relay(data_dir: Path | None) -> None:
    """Publish the changes of accounts: carry the events of the database's outbox into the log.

    Needed once an installation; `dev` runs it. A second one does no harm and takes over when the first one ends.

    \b
    Example:
      ASTRA_BROKER_URL=redis://broker:6379 ASTRA_DATABASE_URL=postgresql://astra@db/astra astratrade relay
    """
    settings = load(data_dir=data_dir)
    from deploy.run.relay import run_relay  # noqa: PLC0415 - SQLAlchemy takes a moment to import

    logs.configure(settings, "relay")
    run_relay(settings)
