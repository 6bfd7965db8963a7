"""`astratrade bridge`: carry records between Kafka and the views."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.cli.commands.options import data_dir_option
from deploy.run import logs
from deploy.settings import load


@click.command()
@data_dir_option
def bridge(data_dir: Path | None) -> None:
    """Carry commands to Kafka, and events and tables from Kafka to the views that the API serves.

    Needed where ASTRA_BROKER_URL is kafka://, once an installation; a second one does no harm.

    \b
    Example:
      ASTRA_BROKER_URL=kafka://broker:9092 ASTRA_VIEWS_URL=redis://views:6379 astratrade bridge
    """
    settings = load(data_dir=data_dir)
    from deploy.run.bridge import run_bridge  # noqa: PLC0415 - aiokafka takes a moment to import

    logs.configure(settings, "bridge")
    run_bridge(settings)
