"""`astratrade top`: watch rates, lag, commits and members in a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import click
from faust_redis.admin import Admin
from faust_redis.log import Log, LogError, UnknownTopicError
from faust_redis.log.services import Services
from rich.console import Console
from rich.live import Live
from rich.text import Text

from api.kit.pipeline import DomainState, Pipeline
from deploy.broker import log_of
from deploy.cli.commands.options import data_dir_option
from deploy.cli.pipeline_screen import Moment, screen
from deploy.settings import Settings, load
from streams.topics import DEAD_LETTERS
from tables.domains import TOPOLOGY

EVERY_S: Final = 1.0
PLAIN_COLUMNS: Final = 160


@click.command()
@click.option("--once", is_flag=True, help="Print one plain screen, with the rates of a second, and end.")
@data_dir_option
def top(once: bool, data_dir: Path | None) -> None:
    """Watch rates, lag, commits and members, refreshed each second, until Ctrl-C. Needs the broker, no API.

    While the broker is away, the first line says so, and the screen shows what was known last.

    \b
    Examples:
      astratrade top
      astratrade top --once | grep trading
    """
    settings = load(data_dir=data_dir)
    with suppress(KeyboardInterrupt):
        asyncio.run(_print_once(settings) if once else watch(settings, Console(highlight=False)))


class Sampler:
    """Samples the pipeline of one installation."""

    def __init__(self, log: Log, app_id: str) -> None:
        self._log = log
        self._pipeline = Pipeline(log, TOPOLOGY, app_id, _NoWatch())

    async def sample(self) -> Moment:
        """Return the pipeline now. Rates are means since the first sample, at most of the last 10 s.

        Raises:
            LogError: the broker does not answer.
        """
        states = await self._pipeline.look()
        services = await Services(self._log).live()
        try:
            letters = await Admin(self._log).size(DEAD_LETTERS)
        except UnknownTopicError:
            letters = 0
        return Moment(states, self._pipeline.topics(), services, letters)


class _NoWatch:
    """Stands where an API has the watch that refuses commands while domains are behind: this process takes none."""

    some_delayed = False

    def note(self, sample: Sequence[DomainState]) -> None:
        """Do nothing."""


async def _print_once(settings: Settings) -> None:
    async with log_of(settings, owned=False) as log:
        sampler = Sampler(log, settings.app_id)
        await sampler.sample()
        await asyncio.sleep(EVERY_S)
        moment = await sampler.sample()
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_COLUMNS)
    console.print(screen(moment))


async def watch(settings: Settings, console: Console) -> None:
    """Refresh a screen until cancelled. While the broker is away, a line of the last screen says so."""
    log = log_of(settings, owned=False)
    sampler, last = Sampler(log, settings.app_id), None
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                try:
                    last = await sampler.sample()
                    shown = screen(last, lines=console.height)
                except LogError as exc:
                    fault = f"the broker is away: {exc}"
                    shown = Text(fault) if last is None else screen(last, lines=console.height, fault=fault)
                live.update(shown, refresh=True)
                await asyncio.sleep(EVERY_S)
    finally:
        await log.close()
