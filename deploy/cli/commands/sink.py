"""`astratrade sink`: mint and record on Starknet what users earned."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.cli.commands.options import data_dir_option
from deploy.run import logs
from deploy.settings import load


@click.command()
@data_dir_option
def sink(data_dir: Path | None) -> None:
    """Carry what users earned to the chain: mint their tokens, and record their experience.

    Needed once an installation whose users mint, beside the indexer. A second one does no harm and takes over when the
    first one ends.

    \b
    Example:
      ASTRA_SINK_ACCOUNT=0x64b… ASTRA_SINK_KEYSTORE=minter.json \\
        ASTRA_SINK_PASSWORD_FILE=/run/secrets/minter astratrade sink
    """
    settings = load(data_dir=data_dir)
    from deploy.run.sink import run_sink  # noqa: PLC0415 - the hashes of Starknet take a moment to import

    logs.configure(settings, "sink")
    run_sink(settings)
