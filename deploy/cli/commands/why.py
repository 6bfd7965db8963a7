"""`astratrade why`: the events behind a row, back to the requests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
from faust_redis.log import Log
from faust_redis.resizing import Finished

from deploy.cli.commands.options import ask_log, data_dir_option, shape_option
from deploy.cli.progress import records_read
from deploy.errors import DeployError
from deploy.lineage import Behind, Lineage, UnorderedLogError
from deploy.rulebook import load_rulebook
from deploy.settings import Settings, load
from streams.lineage import Found, Progress, placed
from streams.search_bounds import Bounds
from streams.times import MILLISECOND_US, Instant
from tables.domains import TOPOLOGY
from tables.reader import TableReader

LOST: Final = "which is not in the log any more"
UNFOUND: Final = "which was not found before the search stopped"


@click.command()
@click.argument("table", metavar="TABLE", type=click.Choice([spec.name for spec in TOPOLOGY.tables]))
@click.argument("key")
@shape_option("Lines")
@click.option("--within", metavar="SECONDS", type=click.FloatRange(min=0.1), help="Stop after so long, and say so.")
@click.option("--events", metavar="N", type=click.IntRange(min=1), help="Stop after so many events, and say so.")
@data_dir_option
def why(table: str, key: str, *, shape: str, within: float | None, events: int | None, data_dir: Path | None) -> None:
    """Print every event that changed the row of TABLE under KEY, each with its causes back to the request.

    The command folds the domain's topics over empty tables, so it reads the log from its beginning. Where the number of
    partitions changed meanwhile, it follows the row from its former partition to the next.

    \b
    Examples:
      astratrade why gamification-progress trader-1
      astratrade why trading-positions 'trader-1|BTC' --within 10 --format json
    """
    settings = load(data_dir=data_dir)
    if settings.on_kafka:
        raise DeployError("the log of a Kafka installation does not say in which order events of several topics came")
    bounds = Bounds(seconds=within, events=events)
    with records_read() as progress:
        found, causes = ask_log(settings, lambda log: _why(log, settings, table, key, progress=progress, bounds=bounds))
    if shape == "json":
        click.echo(json.dumps({"partitions": [_as_json(one, causes) for one in found], "cut": bounds.cut}))
        return
    if not found:
        raise DeployError(f"table {table} has no row {key!r}, and no event in the log changed one")
    for one in found:
        click.echo("\n".join(_lines(one, causes, LOST if not bounds.cut else UNFOUND)))
    for cut in bounds.cut:
        click.echo(f"({cut})")


async def _why(
    log: Log, settings: Settings, table: str, key: str, *, progress: Progress, bounds: Bounds
) -> tuple[list[Behind], Mapping[str, Found]]:
    lineage = Lineage(TableReader(log, settings.app_id), TOPOLOGY, load_rulebook(settings), progress, bounds)
    try:
        found = await lineage.behind(table, key)
    except UnorderedLogError as exc:
        raise DeployError(str(exc)) from exc
    return found, await lineage.causes(one.event for behind in found for one in behind.events)


def _lines(behind: Behind, causes: Mapping[str, Found], lost: str) -> Iterator[str]:
    """Yield a line for each event and cause. `lost` says why the last cause of an event may not be there."""
    yield f"partition {behind.partition} of {behind.era.partitions}: {len(behind.events)} events"
    for topic in behind.missing:
        yield f"  (the log has removed the first events of {topic}, so earlier ones are not listed)"
    for found in behind.events:
        yield f"  {_line(found)}"
        yield from _causes(found, causes, lost)
    if behind.differs:
        yield "  (the row does not follow from these events alone: earlier ones, or another rule book, decided it)"
    if (resize := behind.era.ended) is not None and not behind.cut:
        places = ", ".join(map(str, behind.moved_to))
        row = f"the row was then in partition {places}" if places else "there was no row then"
        yield f"  ({resize.old} partitions became {resize.new} at {_time(resize)}: {row})"


def _as_json(behind: Behind, causes: Mapping[str, Found]) -> dict[str, Any]:
    """Return the events with their places, each with its causes: the nearest first, an id where the log has it not."""
    return {
        "partition": behind.partition,
        "partition_count": behind.era.partitions,
        "resized": _resized_as_json(behind),
        "missing": behind.missing,
        "differs": behind.differs,
        "cut": behind.cut,
        "events": [placed(found) | {"causes": list(_causes_as_json(found, causes))} for found in behind.events],
    }


def _resized_as_json(behind: Behind) -> dict[str, Any] | None:
    if (resize := behind.era.ended) is None:
        return None
    return {"at": _time(resize), "partition_count": resize.new, "moved_to": behind.moved_to}


def _time(resize: Finished) -> str:
    return Instant(resize.at_ms * MILLISECOND_US).text()


def _causes_as_json(found: Found, causes: Mapping[str, Found]) -> Iterator[dict[str, Any]]:
    cause = found.event.causationid
    while cause is not None:
        known = causes.get(cause)
        yield placed(known) if known else {"gone": cause}
        cause = known.event.causationid if known else None


def _causes(found: Found, causes: Mapping[str, Found], lost: str) -> Iterator[str]:
    """Yield the causes of an event, the nearest first; the last one has none."""
    indent, cause = "    ", found.event.causationid
    while cause is not None:
        known = causes.get(cause)
        yield f"{indent}└─ from {_line(known) if known else f'{cause}, {lost}'}"
        indent, cause = f"{indent}   ", known.event.causationid if known else None


def _line(found: Found) -> str:
    event = found.event
    place = f"{found.tp.topic}:{found.tp.partition}@{found.offset}"
    return f"{type(event.data).__name__}  {event.partitionkey}  {event.time.text()}  {place}  {event.id}"
