"""`astratrade indexer`: carry the events of our contracts from Starknet into the log."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.cli.commands.options import data_dir_option
from deploy.run import logs
from deploy.settings import load


@click.command()
@data_dir_option
def indexer(data_dir: Path | None) -> None:
    """Follow the chain: carry the events of the contracts into the log, and take replaced ones back.

    Needed once an installation that settles on Starknet. A second one does no harm and takes over when the first one
    ends.

    \b
    Example:
      ASTRA_STARKNET_NODE_URL=https://node.example.com ASTRA_INDEXER_CONTRACTS=FeeCollector:0x5b4… astratrade indexer
    """
    settings = load(data_dir=data_dir)
    from deploy.run.indexer import run_indexer  # noqa: PLC0415 - the hashes of Starknet take a moment to import

    logs.configure(settings, "indexer")
    run_indexer(settings)
