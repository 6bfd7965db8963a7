"""`astratrade reset`: delete an installation's data."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.admin.reset import describe_reset, reset_everything
from deploy.cli.commands.options import data_dir_option
from deploy.settings import load


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_dir_option
def reset(*, yes: bool, data_dir: Path | None) -> None:
    """Delete all topics, tables and local state of this installation. Refused while workers are running.

    Accounts stay, with the audit log and the events in their outbox. `astratrade database downgrade base` deletes them.

    \b
    Example:
      astratrade reset --yes
    """
    settings = load(data_dir=data_dir)
    if not yes:
        click.confirm(f"Delete {describe_reset(settings)}?", abort=True)
    click.echo(reset_everything(settings))
