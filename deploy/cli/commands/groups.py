"""`astratrade groups`: who processes the log and how far they are; setting a group's position by hand."""

from __future__ import annotations

from pathlib import Path

import click
from faust_redis.admin import Admin
from faust_redis.log import Log

from deploy.cli.commands.options import ask_log, data_dir_option
from deploy.settings import load


@click.group("groups")
def groups() -> None:
    """List consumer groups, reset where one stands, or forget one.

    Nothing is trimmed that a group has yet to process: forget a group that nobody runs any more.

    \b
    Examples:
      astratrade groups list
      astratrade groups reset astratrade astra.trading.commands.v1 --to earliest
      astratrade groups forget old-experiment
    """


@groups.command("list")
@data_dir_option
def list_groups(data_dir: Path | None) -> None:
    """List groups: live members, and how many records they have yet to process.

    \b
    Example:
      astratrade groups list
    """
    for line in ask_log(load(data_dir=data_dir), _lines):
        click.echo(line)


@groups.command("reset")
@click.argument("group")
@click.argument("topic")
@click.option("--partition", type=click.IntRange(min=0), help="One partition; all of them when left out.")
@click.option("--to", required=True, metavar="OFFSET", help="earliest, latest, or an offset between the two.")
@data_dir_option
def reset_group(group: str, topic: str, partition: int | None, to: str, data_dir: Path | None) -> None:
    """Set where a group goes on. What is skipped is not processed; what is repeated is processed again.

    \b
    Example:
      astratrade groups reset astratrade astra.trading.commands.v1 --partition 2 --to earliest
    """
    offsets = ask_log(load(data_dir=data_dir), lambda log: Admin(log).reset_offsets(group, topic, to, partition))
    for tp, offset in sorted(offsets.items()):
        click.echo(f"{group} goes on at {tp.topic}:{tp.partition} offset {offset}")


@groups.command("forget")
@click.argument("group")
@data_dir_option
def forget_group(group: str, data_dir: Path | None) -> None:
    """Remove a group and where it stood.

    \b
    Example:
      astratrade groups forget old-experiment
    """
    ask_log(load(data_dir=data_dir), lambda log: Admin(log).forget_group(group))
    click.echo(f"group {group} is forgotten")


async def _lines(log: Log) -> list[str]:
    admin = Admin(log)
    lines = []
    for group in await admin.describe_groups(await admin.groups()):
        behind = sum((await admin.lag(group.name)).values())
        lines.append(f"{group.name}  live members: {len(group.members)}  records behind: {behind}")
    return lines or ["there are no groups yet; a worker makes one"]
