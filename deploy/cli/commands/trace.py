"""`astratrade trace`: follow an event from its first cause to all effects."""

from __future__ import annotations

import json
from pathlib import Path

import click
from faust_redis.log import Log

from deploy.cli.commands.options import ask_log, data_dir_option, shape_option
from deploy.cli.progress import records_read
from deploy.errors import DeployError
from deploy.settings import load
from streams import lineage
from streams.events import AnyEvent
from streams.lineage import Found
from tables.domains import TOPOLOGY


@click.command()
@click.argument("named", metavar="EVENT")
@shape_option("A tree of lines")
@data_dir_option
def trace(named: str, shape: str, data_dir: Path | None) -> None:
    """Print the tree of all events that share the first cause of EVENT, which an asterisk marks.

    EVENT is the id of an event, its place (topic:partition@offset), or the id of a trace. A tree has ten levels; events
    further down name their cause. JSON has the events as a list, of which each names its cause. The log is searched
    from its beginning, so this takes about a second for each hundred thousand events.

    \b
    Examples:
      astratrade trace 0192f7c4-5d6e-7a10-8f00-1b2c3d4e5f60
      astratrade trace astra.trading.commands.v1:2@1841
    """
    settings = load(data_dir=data_dir)
    with records_read() as progress:
        found = ask_log(settings, lambda log: _chain(log, named, progress))
    if found is None:
        kept_ms = settings.retention_ms if settings.archive_url is None else settings.archive_retention_ms
        raise DeployError(f"there is no event {named}; events are kept for {kept_ms // 3_600_000:,} h")
    origin, chain = found
    if shape == "json":
        events = [lineage.placed(one) for one in lineage.once(chain)]
        click.echo(json.dumps({"event": origin.id, "events": events}))
    else:
        click.echo("\n".join(lineage.lines(chain, origin.id)))


async def _chain(log: Log, named: str, progress: lineage.Progress) -> tuple[AnyEvent, list[Found]] | None:
    known = set(await log.topics())
    topics = [topic for topic in TOPOLOGY.topics if topic in known]
    origin = await lineage.origin_of(log, topics, named, progress)
    return None if origin is None else (origin, await lineage.chain_of(log, topics, origin, progress))
