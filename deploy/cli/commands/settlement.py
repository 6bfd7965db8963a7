"""`astratrade settlement`: settle the accrued fees on Starknet."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.cli.commands.options import data_dir_option
from deploy.run import logs
from deploy.settings import load


@click.command()
@data_dir_option
def settlement(data_dir: Path | None) -> None:
    """Settle fees: close them into batches, send each batch once, sweep and distribute.

    Needed once an installation that settles on Starknet, beside the indexer. A second one does no harm and takes over
    when the first one ends. It stops when ledger, log and contracts differ.

    \b
    Example:
      ASTRA_SETTLEMENT_ACCOUNT=0x64b… ASTRA_SETTLEMENT_KEYSTORE=settler.json \\
        ASTRA_SETTLEMENT_PASSWORD_FILE=/run/secrets/settler astratrade settlement
    """
    settings = load(data_dir=data_dir)
    from deploy.run.settlement import run_settlement  # noqa: PLC0415 - the hashes of Starknet take a moment to import

    logs.configure(settings, "settlement")
    run_settlement(settings)
