"""`astratrade webhooks`: post events to the partners that subscribed to them."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.cli.commands.options import data_dir_option
from deploy.run import logs
from deploy.settings import load


@click.command()
@data_dir_option
def webhooks(data_dir: Path | None) -> None:
    """Post events to the webhooks of venues, services and admins.

    Needed once an installation that has webhooks; `dev` runs it. A second one waits for the first to end.

    \b
    Example:
      ASTRA_BROKER_URL=redis://broker:6379 ASTRA_DATABASE_URL=postgresql://astra@db/astra astratrade webhooks
    """
    settings = load(data_dir=data_dir)
    from deploy.run.webhooks import run_webhooks  # noqa: PLC0415 - SQLAlchemy takes a moment to import

    logs.configure(settings, "webhooks")
    run_webhooks(settings)
