"""`astratrade worker`: one stream processor."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.cli.commands.options import data_dir_option
from deploy.settings import load


@click.command()
@click.option("--name", metavar="NAME", help="Slot under the data directory.  [default: the first free worker-N]")
@data_dir_option
def worker(name: str | None, data_dir: Path | None) -> None:
    """Run one worker: the Faust agents on the configured broker, or on the server that `dev` runs.

    Workers of one application share the partitions; start as many as you like, up to one a partition.

    \b
    Example:
      ASTRA_BROKER_URL=redis://broker:6379 astratrade worker
    """
    settings = load(data_dir=data_dir)
    from deploy.run.worker import run_worker  # noqa: PLC0415 - Faust takes a moment to import

    run_worker(settings, name)
