"""`astratrade topics`: partitions, offsets and lag."""

from __future__ import annotations

import json
from pathlib import Path

import click
from faust_redis.admin import Admin
from faust_redis.cli.overview import PartitionState, partition_states
from rich import box
from rich.console import Console
from rich.table import Table

from deploy.cli.commands.options import ask_log, data_dir_option
from deploy.settings import load

NOTHING = "-"
COLUMNS_MIN = 110
NUMBERS = ("partition", "start", "end", "committed", "lag")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@data_dir_option
def topics(*, as_json: bool, data_dir: Path | None) -> None:
    """List topics and partitions: first and next offset, and what each group has committed and still has to do.

    \b
    Example:
      astratrade topics --json
    """
    states = ask_log(load(data_dir=data_dir), lambda log: partition_states(Admin(log)))
    if as_json:
        click.echo(json.dumps([state.as_json() for state in states], indent=2))
    elif states:
        console = Console()
        # One line a partition, also in a pipe: a narrow terminal may wrap it, a search for a topic still finds it.
        console.width = max(console.width, COLUMNS_MIN)
        console.print(_table(states))
    else:
        click.echo("no topics yet; a worker creates them")


def _table(states: list[PartitionState]) -> Table:
    table = Table(box=box.SIMPLE)
    for name in ("topic", "partition", "start", "end", "group", "committed", "lag"):
        table.add_column(name, justify="right" if name in NUMBERS else "left", overflow="fold")
    for state in states:
        place = (state.topic, str(state.partition), str(state.start), str(state.end))
        if not state.committed:
            table.add_row(*place, NOTHING, NOTHING, NOTHING)
        for group, offset in state.committed.items():
            table.add_row(*place, group, str(offset), str(state.lag(group)))
    return table
