"""`astratrade trace`: follow an event from its first cause to all effects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from faust_redis.log import Log

from deploy.cli.commands.options import ask_log, data_dir_option
from deploy.cli.progress import records_read
from deploy.errors import DeployError
from deploy.settings import load
from streams import lineage
from streams.events import encode
from streams.lineage import Found, Node
from tables.domains import TOPOLOGY


@click.command()
@click.argument("event_id", metavar="EVENT")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="A tree of lines, or the events whole.",
)
@data_dir_option
def trace(event_id: str, shape: str, data_dir: Path | None) -> None:
    """Print the tree of all events that share the first cause of EVENT, whose id marks it with an asterisk.

    The log is searched from its beginning, so this takes about a second for each hundred thousand events.

    \b
    Example:
      astratrade trace 0192f7c4-5d6e-7a10-8f00-1b2c3d4e5f60
    """
    settings = load(data_dir=data_dir)
    with records_read() as progress:
        chain = ask_log(settings, lambda log: _chain(log, event_id, progress))
    if not chain:
        raise DeployError(
            f"the log holds no event {event_id}; it keeps events for {settings.retention_ms // 3_600_000} h"
        )
    roots = lineage.trees(chain)
    if shape == "json":
        click.echo(json.dumps([as_json(root) for root in roots]))
    else:
        click.echo("\n".join(lineage.lines(roots, event_id)))


async def _chain(log: Log, event_id: str, progress: lineage.Progress) -> list[Found]:
    known = set(await log.topics())
    return await lineage.chain_of(log, [topic for topic in TOPOLOGY.topics if topic in known], event_id, progress)


def as_json(node: Node) -> dict[str, Any]:
    """Return an event with its place and its effects."""
    found = node.found
    return {
        "topic": found.tp.topic,
        "partition": found.tp.partition,
        "offset": found.offset,
        "event": json.loads(encode(found.event)),
        "effects": [as_json(effect) for effect in node.effects],
    }
