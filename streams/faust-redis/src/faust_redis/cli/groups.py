"""`groups`: list and describe consumer groups, reset their offsets, and forget groups."""

from __future__ import annotations

import click

from faust_redis.admin import Admin, GroupDescription
from faust_redis.cli.program import Ask, Program
from faust_redis.log.client import Log

GROUPS = """List consumer groups, describe one, reset its offsets, or forget it.

The log keeps every record that a group has yet to process. So forget a group that has no workers any more.

\b
Examples:
  PROGRAM groups list
  PROGRAM groups reset GROUP TOPIC --to earliest
"""
LIST = """List groups with their live members and their lag in records.

\b
Example:
  PROGRAM groups list
"""
DESCRIBE = """Describe GROUP: its state, and for each live member its lease, its tables and its partitions.

\b
Example:
  PROGRAM groups describe GROUP
"""
RESET = """Set the committed offsets of a group without live members.

The group never processes the records that this skips. It processes the records again that this goes back over.

\b
Example:
  PROGRAM groups reset GROUP TOPIC --partition 2 --to earliest
"""
FORGET = """Remove a group and its offsets.

\b
Example:
  PROGRAM groups forget GROUP
"""

group_argument = click.argument("name", metavar="GROUP")


def groups(program: Program) -> click.Group:
    """Make the command for a program."""

    @click.group("groups", help=program.help(GROUPS))
    def group() -> None:
        pass

    @group.command("list", help=program.help(LIST))
    @program.target
    def list_groups(*, ask: Ask) -> None:
        for line in ask(_lines):
            click.echo(line)

    @group.command("describe", help=program.help(DESCRIBE))
    @group_argument
    @program.target
    def describe(*, ask: Ask, name: str) -> None:
        for line in _described(ask(lambda log: Admin(log).describe_group(name))):
            click.echo(line)

    @group.command("reset", help=program.help(RESET))
    @group_argument
    @click.argument("topic")
    @click.option("--partition", type=click.IntRange(min=0), help="One partition.  [default: all]")
    @click.option("--to", required=True, metavar="OFFSET", help="earliest, latest, or an offset between the two.")
    @program.target
    def reset(*, ask: Ask, name: str, topic: str, partition: int | None, to: str) -> None:
        offsets = ask(lambda log: Admin(log).reset_offsets(name, topic, to, partition))
        for tp, offset in sorted(offsets.items()):
            click.echo(f"{name} continues at {tp.topic}:{tp.partition} offset {offset}")

    @group.command("forget", help=program.help(FORGET))
    @group_argument
    @program.target
    def forget(*, ask: Ask, name: str) -> None:
        ask(lambda log: Admin(log).forget_group(name))
        click.echo(f"group {name} is forgotten")

    return group


async def _lines(log: Log) -> list[str]:
    admin, lines = Admin(log), []
    for group in await admin.describe_groups(await admin.groups()):
        behind = sum((await admin.lag(group.name)).values())
        lines.append(f"{group.name}  live members: {len(group.members)}  records behind: {behind}")
    return lines or ["there are no groups yet; a worker makes one"]


def _described(group: GroupDescription) -> list[str]:
    head = f"{group.name}  state: {group.state}  generation: {group.generation}"
    lines = [head, "ready" if group.ready else f"not ready: {group.why_not_ready}"]
    for member in group.members:
        leads = ", leads the group" if member.name == group.leader else ""
        tables = "recovered" if member.recovered else "recovering"
        lines.append(f"  {member.name}  lease: {member.lease_ms} ms left  tables: {tables}{leads}")
        by_topic: dict[str, list[str]] = {}
        for tp in member.assignment:
            by_topic.setdefault(tp.topic, []).append(str(tp.partition))
        lines += [f"    {topic}: {' '.join(partitions)}" for topic, partitions in by_topic.items()]
    return lines
