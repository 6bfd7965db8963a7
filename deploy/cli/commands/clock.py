"""`astratrade clock`: tick the wall clock into the log."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.cli.commands.options import data_dir_option
from deploy.run import logs
from deploy.run.clock import run_clock
from deploy.settings import load


@click.command()
@data_dir_option
def clock(data_dir: Path | None) -> None:
    """Tick the wall clock into every partition of the log, once a second.

    Needed once an installation; `dev` runs it. A second one waits, and takes over when the first one ends.

    \b
    Example:
      ASTRA_BROKER_URL=redis://broker:6379 astratrade clock
    """
    settings = load(data_dir=data_dir)
    logs.configure(settings, "clock")
    run_clock(settings)
