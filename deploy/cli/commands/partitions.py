"""`astratrade partitions`: how many there are, and how to get more."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from faust_redis.resizing import Step

from deploy.admin.partitions import cancel as cancel_resize
from deploy.admin.partitions import described
from deploy.admin.partitions import resize as resize_partitions
from deploy.cli.commands.options import ask_log, data_dir_option
from deploy.settings import PARTITIONS_MAX, load


@click.group(invoke_without_command=True)
@data_dir_option
@click.pass_context
def partitions(context: click.Context, data_dir: Path | None) -> None:
    """Show how many partitions the topics have, and change that.

    \b
    Examples:
      astratrade partitions
      astratrade partitions resize 4 32
    """
    if context.invoked_subcommand is None:
        settings = load(data_dir=data_dir)
        click.echo("\n".join(ask_log(settings, lambda log: described(log, settings))))


@partitions.command()
@click.argument("old", type=click.IntRange(1, PARTITIONS_MAX))
@click.argument("new", type=click.IntRange(1, PARTITIONS_MAX))
@click.option("--drain-s", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="Seconds to wait.")
@data_dir_option
def resize(*, old: int, new: int, drain_s: float, data_dir: Path | None) -> None:
    """Give all topics and tables NEW partitions instead of OLD. NEW is a multiple of OLD.

    Workers, the API and other processes may run, and workers must. Clients get 503 until it is done. When it ends
    before that, for whatever reason, run the same command again.

    \b
    Example:
      astratrade partitions resize 4 32
    """
    settings = load(data_dir=data_dir)

    with _progress() as report:
        done = ask_log(settings, lambda log: resize_partitions(log, settings, old, new, report, drain_s=drain_s))
    if done is None:
        click.echo(f"the topics have {new} partitions already")
        return
    pause = "" if done.paused_s is None else f"; topics took no records for {done.paused_s:.1f} s"
    click.echo(f"{done.split.old} to {done.split.new} partitions: {done.rows:,} rows moved{pause}")


@partitions.command()
@data_dir_option
def cancel(data_dir: Path | None) -> None:
    """Open the topics again after a resize that ended before it moved rows.

    \b
    Example:
      astratrade partitions cancel
    """
    settings = load(data_dir=data_dir)
    begun = ask_log(settings, lambda log: cancel_resize(log, settings))
    click.echo(f"cancelled: {begun}")


@contextmanager
def _progress() -> Iterator[Callable[[Step], None]]:
    """Yield a function that shows the present step; it writes nothing when standard error is no terminal."""
    terminal = sys.stderr.isatty()

    def show(step: Step) -> None:
        if terminal:
            rows = f" {step.rows:,} rows" if step.of else ""
            click.echo(f"\r\033[K{step.doing}{rows}", nl=False, err=True)

    yield show
    if terminal:
        click.echo("\r\033[K", nl=False, err=True)
