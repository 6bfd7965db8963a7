"""`topics`: list partitions, offsets and lag; create, delete and repair topics."""

from __future__ import annotations

import json

import click

from faust_redis.admin import Admin
from faust_redis.cli.overview import PartitionState, partition_states
from faust_redis.cli.program import Ask, Program
from faust_redis.cli.repair import add_repair
from faust_redis.cli.text import columns
from faust_redis.log.records import Cleanup, TopicSpec

LIST = """List partitions: first offset, high watermark, and the committed offset and lag of each group.

\b
Examples:
  PROGRAM topics
  PROGRAM topics --json
"""
CREATE = """Create TOPIC. An existing topic must have the same partition count and cleanup policy.

\b
Example:
  PROGRAM topics create clicks --partitions 8
"""
DELETE = """Delete TOPIC, its records and the offsets that groups have committed in it. Stop all workers first.

\b
Example:
  PROGRAM topics delete clicks
"""
NOTHING = "-"
MILLISECONDS = 3_600_000

topic_argument = click.argument("topic")


def topics(program: Program) -> click.Group:
    """Make the command for a program."""

    @click.group("topics", help=program.help(LIST), invoke_without_command=True)
    @click.option("--json", "as_json", is_flag=True, help="Print JSON instead of columns.")
    @program.target
    @click.pass_context
    def group(context: click.Context, *, ask: Ask, as_json: bool) -> None:
        if context.invoked_subcommand is not None:
            return
        states = ask(lambda log: partition_states(Admin(log)))
        if as_json:
            click.echo(json.dumps([state.as_json() for state in states], indent=2))
        else:
            click.echo("\n".join(_lines(states)))

    @group.command("create", help=program.help(CREATE))
    @topic_argument
    @click.option("--partitions", type=click.IntRange(min=1), required=True, help="Number of partitions.")
    @click.option("--compact", is_flag=True, help="Keep the last value of each key, as Kafka's `compact` does.")
    @click.option(
        "--retention-hours", type=click.FloatRange(min=0), default=0.0, help="Retention of records; 0 keeps all."
    )
    @program.target
    def create(*, ask: Ask, topic: str, partitions: int, compact: bool, retention_hours: float) -> None:
        cleanup: Cleanup = "compact" if compact else "delete"
        spec = TopicSpec(topic, partitions, cleanup, retention_ms=int(retention_hours * MILLISECONDS))
        ask(lambda log: Admin(log).create_topic(spec))
        click.echo(f"topic {topic} has {partitions} partitions")

    @group.command("delete", help=program.help(DELETE))
    @topic_argument
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @program.target
    def delete(*, ask: Ask, topic: str, yes: bool) -> None:
        if not yes:
            click.confirm(f"Delete topic {topic} and all its records?", abort=True)
        ask(lambda log: Admin(log).delete_topic(topic))
        click.echo(f"topic {topic} is deleted")

    add_repair(group, program)
    return group


def _lines(states: list[PartitionState]) -> list[str]:
    if not states:
        return ["there are no topics yet; a worker creates them"]
    rows: list[tuple[object, ...]] = []
    for state in states:
        place = (state.topic, state.partition, state.start, state.end)
        if not state.committed:
            rows.append((*place, NOTHING, NOTHING, NOTHING))
        rows += [(*place, group, offset, state.lag(group)) for group, offset in state.committed.items()]
    return columns(("topic", "partition", "start", "end", "group", "committed", "lag"), rows)
