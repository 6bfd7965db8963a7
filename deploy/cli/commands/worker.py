"""`astratrade worker`: one worker process."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.broker_settings import SHARDS_MAX
from deploy.cli.commands.options import data_dir_option
from deploy.settings import load
from tables.domains import TOPOLOGY


@click.command()
@click.option(
    "--domain",
    "domains",
    multiple=True,
    type=click.Choice(TOPOLOGY.names),
    help="Run this domain; repeat it for several.  [default: all]",
)
@click.option("--name", metavar="NAME", help="Slot under the data directory.  [default: the first free worker-N]")
@click.option(
    "--shard",
    type=click.IntRange(0, SHARDS_MAX - 1),
    help="Serve this shard of a log on several brokers.  [default: ASTRA_SHARD, or 0]",
)
@data_dir_option
def worker(domains: tuple[str, ...], name: str | None, shard: int | None, data_dir: Path | None) -> None:
    """Run one worker process: the domains' Faust apps on the configured broker, or on the server that `dev` runs.

    Each domain is a consumer group of its own. Workers that run the same domain share its partitions; start as many
    as you like, up to one a partition.

    \b
    Examples:
      ASTRA_BROKER_URL=redis://broker:6379 astratrade worker
      astratrade worker --domain trading --domain financial
    """
    settings = load(shard=shard, data_dir=data_dir)
    from deploy.run.worker import run_worker  # noqa: PLC0415 - Faust takes a moment to import

    run_worker(settings, domains, name)
