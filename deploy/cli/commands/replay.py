"""`astratrade replay`: post a file of fills through the ingress."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.cli.commands.options import data_dir_option
from deploy.replay.fills import read_fills
from deploy.replay.run import Pace, run_replay
from deploy.settings import load

BATCH_DEFAULT = 200


@click.command()
@click.argument("file")
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), metavar="N", help="Fills a second.  [default: unbounded]"
)
@click.option("--batch", type=click.IntRange(1, 500), default=BATCH_DEFAULT, show_default=True, help="Fills a request.")
@click.option("--url", metavar="URL", help="The API.  [default: http:// ASTRA_API_HOST : ASTRA_API_PORT]")
@click.option("--token", metavar="TOKEN", help="A venue's token or API key.  [default: a token signed here]")
@click.option("--resume", is_flag=True, help="Skip the fills that an earlier replay from this data directory has sent.")
@click.option(
    "--marks", is_flag=True, help="At the end, report the last price of each market as its mark price, as a service."
)
@click.option("--tick", is_flag=True, help="At the end, tick the time of the last fill into the log.")
@data_dir_option
def replay(
    *,
    file: str,
    rate: float | None,
    batch: int,
    url: str | None,
    token: str | None,
    resume: bool,
    marks: bool,
    tick: bool,
    data_dir: Path | None,
) -> None:
    """Post FILE, a CSV of fills, through the real ingress, wait until all tables show them, and print board and fees.

    FILE may be `sample`, the packaged one. The id of a fill derives from the digest of the file and the line, and every
    request has an Idempotency-Key. So replaying again changes nothing.

    \b
    Examples:
      astratrade replay sample
      astratrade replay fills.csv --rate 500 --resume
    """
    settings = load(data_dir=data_dir)
    run_replay(
        settings, read_fills(file), Pace(batch, rate), url=url, token=token, resume=resume, marks=marks, tick=tick
    )
