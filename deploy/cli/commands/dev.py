"""`astratrade dev`: run every process with one command."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from deploy.broker_settings import SHARDS_MAX
from deploy.cli.commands.options import data_dir_option
from deploy.cli.invocation import in_users_directory, program
from deploy.run.dev import run_dev
from deploy.run.worker_plan import ACCEPTED
from deploy.settings import DATA_DIR_DEFAULT, Settings, load


@click.command()
@click.option(
    "--workers",
    metavar="PLAN",
    help=f"Worker processes: {ACCEPTED}; a domain that is not named gets 1.  [default: ASTRA_WORKERS, or 1]",
)
@click.option(
    "--shards",
    type=click.IntRange(1, SHARDS_MAX),
    help="Servers that share the partitions; each has worker processes of its own.  [default: ASTRA_SHARDS, or 1]",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="The API's port; 0 for a free one.  [default: ASTRA_API_PORT, or 8000]",
)
@click.option(
    "--replay",
    metavar="FILE",
    help="Post this CSV of fills when all are ready, then its last prices as mark prices; `sample` is packaged.",
)
@click.option(
    "--clock/--no-clock",
    default=None,
    help="Tick the wall clock.  [default: yes, but not with --replay, whose fills are older: it ticks their time]",
)
@click.option("-v", "--verbose", is_flag=True, help="Show the whole log of each process, not only warnings.")
@data_dir_option
def dev(
    *,
    workers: str | None,
    shards: int | None,
    port: int | None,
    replay: str | None,
    clock: bool | None,
    verbose: bool,
    data_dir: Path | None,
) -> None:
    """Run server, workers, clock and API together, until Ctrl-C; restart crashed processes.

    \b
    Examples:
      astratrade dev --replay sample
      astratrade dev --workers 3 --port 8080
      astratrade dev --workers trading=2,gamification=1
    """
    settings = load(workers=workers, shards=shards, api_port=port, data_dir=data_dir)
    settings = settings.with_log_level("debug" if verbose else "warning")
    run_dev(settings, replay, _token_command(settings), clock=replay is None if clock is None else clock)


def _token_command(settings: Settings) -> str:
    """Return the command that prints a token, without its arguments, as the user can paste it."""
    found_without_option = in_users_directory() and settings.data_dir == DATA_DIR_DEFAULT.absolute()
    place = "" if found_without_option else f" --data-dir {shlex.quote(str(settings.data_dir))}"
    return f"{program()} token{place}"
