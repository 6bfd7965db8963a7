"""`topics repair`: find the damage of a partition and repair it."""

from __future__ import annotations

import click

from faust_redis.cli.program import Ask, Program
from faust_redis.log.integrity import inspect_for_repair, repair_partition
from faust_redis.log.records import TopicPartition

REPAIR = """Find the damage of PARTITION of TOPIC and repair it. Stop all workers first.

The repair removes entries that the log did not write. It makes the snapshot and the rankings agree with the records. It
cannot bring back lost records; `PROGRAM groups reset` lets a group skip them.

\b
Example:
  PROGRAM topics repair clicks 0
"""


def add_repair(group: click.Group, program: Program) -> None:
    """Add the command to `topics`."""

    @group.command("repair", help=program.help(REPAIR))
    @click.argument("topic")
    @click.argument("partition", type=click.IntRange(min=0))
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @program.target
    def repair(*, ask: Ask, topic: str, partition: int, yes: bool) -> None:
        place = TopicPartition(topic, partition)
        damages = ask(lambda log: inspect_for_repair(log, place))
        if not damages:
            click.echo(f"partition {partition} of {topic} is not damaged")
            return
        for damage in damages:
            click.echo(f"found: {damage.found}")
        if not yes:
            click.confirm(f"Repair partition {partition} of {topic}?", abort=True)
        for line in ask(lambda log: repair_partition(log, place)):
            click.echo(f"done: {line}")
        for damage in ask(lambda log: inspect_for_repair(log, place)):
            click.echo(f"not repaired: {damage.found}")
