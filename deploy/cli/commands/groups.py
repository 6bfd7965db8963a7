"""`astratrade groups`: who processes the log and how far they are; setting a group's position by hand."""

from __future__ import annotations

from pathlib import Path

import click
from faust_redis.log import Log, TopicPartition

from deploy.admin.lag import groups as group_names
from deploy.admin.lag import leases, partition_states
from deploy.cli.commands.options import ask_log, data_dir_option
from deploy.errors import DeployError
from deploy.settings import load

ENDS = ("earliest", "latest")


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
    offsets = ask_log(load(data_dir=data_dir), lambda log: _reset(log, group, topic, partition, to))
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
    ask_log(load(data_dir=data_dir), lambda log: _forget(log, group))
    click.echo(f"group {group} is forgotten")


async def _lines(log: Log) -> list[str]:
    alive, states = await leases(log), await partition_states(log)
    lines = []
    for name in await group_names(log):
        behind = sum(state.lag(name) for state in states if name in state.committed)
        lines.append(f"{name}  live members: {len(alive.get(name, []))}  records behind: {behind}")
    return lines or ["there are no groups yet; a worker makes one"]


async def _reset(log: Log, group: str, topic: str, partition: int | None, to: str) -> dict[TopicPartition, int]:
    starts, ends = await log.beginning_offsets(topic), await log.end_offsets(topic)
    wanted = list(ends) if partition is None else [partition]
    offsets = {}
    for p in wanted:
        if p not in ends:
            raise DeployError(f"topic {topic!r} has partitions 0 to {len(ends) - 1}, not {p}")
        offset = {"earliest": starts[p], "latest": ends[p]}.get(to, int(to) if to.isdecimal() else -1)
        if not starts[p] <= offset <= ends[p]:
            raise DeployError(f"--to takes {', '.join(ENDS)} or an offset from {starts[p]} to {ends[p]}, not {to!r}")
        offsets[TopicPartition(topic, p)] = offset
    await log.reset_offsets(group, offsets)
    return offsets


async def _forget(log: Log, group: str) -> None:
    names = await group_names(log)
    if group not in names:
        raise DeployError(f"there is no group {group!r}; there are: {', '.join(names) or 'none'}")
    await log.forget_group(group)
