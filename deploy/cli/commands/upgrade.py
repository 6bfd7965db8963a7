"""`astratrade upgrade --check`: what the installed code would make of the log, before it is switched on."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import click
from faust_redis.log import Log, LogError
from redis.exceptions import RedisError

from deploy.cli.commands.options import ask_log, data_dir_option
from deploy.cli.progress import records_read
from deploy.errors import DeployError
from deploy.lineage import UnorderedLogError
from deploy.rulebook import load_rulebook
from deploy.settings import Settings, load
from deploy.upgrade import moment as moments
from deploy.upgrade.differences import differences
from deploy.upgrade.letters import letters
from deploy.upgrade.moment import moment
from deploy.upgrade.replay import NOTHING, Replay
from deploy.upgrade.report import Outcome
from tables.domains import TOPOLOGY

NONE_DIFFER, SOME_DIFFER, NOT_CHECKED = 0, 1, 2
UNITS_S: Final = {"s": 1, "m": 60, "h": 3600}
FILE: Final = click.Path(dir_okay=False, path_type=Path)


class Duration(click.ParamType):
    """A time such as 90s, 10m or 1h, in seconds."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds."""
        found = re.fullmatch(r"(\d{1,6})([smh])", str(value))
        if found is None:
            self.fail(f"{value!r} is no time such as 90s, 10m or 1h", param, ctx)
        return int(found[1]) * UNITS_S[found[2]]


@click.command()
@click.option("--check", "checks", is_flag=True, help="Replay the log and print the rows that would differ.")
@click.option("--record", type=FILE, metavar="FILE", help="Write the present tables to FILE, for a later --check.")
@click.option(
    "--from", "begin", type=FILE, metavar="FILE", help="Begin where --record was.  [default: where the log begins]"
)
@click.option("--for", "wait_s", type=Duration(), help="Begin now, and check what happens in this time: 90s, 10m, 1h.")
@click.option(
    "--domain",
    "domains",
    multiple=True,
    type=click.Choice(TOPOLOGY.names),
    help="Only this domain, with the recorded events of the others; repeatable.  [default: all]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@data_dir_option
def upgrade(
    *,
    checks: bool,
    record: Path | None,
    begin: Path | None,
    wait_s: int | None,
    domains: Sequence[str],
    as_json: bool,
    data_dir: Path | None,
) -> NoReturn:
    """Replay the log through the installed code and rule book, and print which rows would differ. Nothing is written.

    The status is 0 when no row and no event would differ, 1 when some would or a rule fails on an event that is no dead
    letter yet, and 2 when this cannot be told.

    \b
    Examples:
      astratrade upgrade --check
      astratrade upgrade --check --for 10m
      astratrade upgrade --record before.bin
      astratrade upgrade --check --from before.bin --json
    """
    if checks == (record is not None) or (begin is not None and wait_s is not None):
        raise click.UsageError("name either --check or --record, and at most one of --from and --for")
    chosen = tuple(name for name in TOPOLOGY.names if name in (domains or TOPOLOGY.names))
    try:
        settings = _settings(data_dir)
        if record is not None:
            _record(settings, chosen, record)
            sys.exit(NONE_DIFFER)
        outcome = _outcome(settings, chosen, begin, wait_s)
    except (DeployError, LogError, RedisError, UnorderedLogError, OSError) as exc:
        click.echo(f"astratrade: not checked: {exc}", err=True)
        sys.exit(NOT_CHECKED)
    click.echo(json.dumps(outcome.document()) if as_json else "\n".join(outcome.lines()))
    sys.exit(SOME_DIFFER if outcome.differs else NONE_DIFFER)


def _settings(data_dir: Path | None) -> Settings:
    settings = load(data_dir=data_dir)
    if settings.on_kafka:
        raise DeployError("the log of a Kafka installation does not say in which order events of several topics came")
    return settings


def _record(settings: Settings, domains: Sequence[str], file: Path) -> None:
    taken = ask_log(settings, lambda log: moment(log, TOPOLOGY, settings.app_id, domains))
    taken.write(file)
    click.echo(f"wrote {taken.size:,} rows to {file}")


def _outcome(settings: Settings, domains: Sequence[str], begin: Path | None, wait_s: int | None) -> Outcome:
    rulebook, recorded = load_rulebook(settings), NOTHING if begin is None else moments.read(begin)
    with records_read() as progress:

        async def ask(log: Log) -> Outcome:
            before = recorded if wait_s is None else await moment(log, TOPOLOGY, settings.app_id, domains)
            await asyncio.sleep(wait_s or 0)
            after = await moment(log, TOPOLOGY, settings.app_id, domains)
            shadow = await Replay(log, TOPOLOGY, settings.app_id, before, after).run(rulebook, progress)
            known = await letters(log, TOPOLOGY, settings.app_id, domains)
            return Outcome(list(differences(TOPOLOGY, after, shadow)), shadow, after.size, known)

        return ask_log(settings, ask)
