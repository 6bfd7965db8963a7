"""Run one replay: post all batches at a pace, wait until their effects are visible, and print a summary."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from astratrade_client import FixedToken
from faust_redis.log import Position
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from api.auth import Role
from deploy.admin.tokens import DEV_SERVICE, DEV_VENUE, IssuedToken
from deploy.errors import DeployError
from deploy.replay.fills import FillsFile
from deploy.replay.ingress import Ingress
from deploy.replay.progress import ProgressFile
from deploy.run.clock import tick_once
from deploy.server.address import api_url
from deploy.settings import Settings
from streams.times import Instant

TOP = 10
BOARD, FEES = "/v1/leaderboards/xp", "/v1/fees"
COLUMNS = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn(), TimeRemainingColumn())

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pace:
    """Fills a request, and fills a second (None: as fast as the API accepts them)."""

    batch: int
    rate: float | None = None

    def pause_s(self, sent: int, elapsed_s: float) -> float:
        """Return the seconds to wait after `sent` fills in `elapsed_s` seconds."""
        return 0.0 if self.rate is None else max(0.0, sent / self.rate - elapsed_s)


@dataclass(slots=True)
class PostedCommands:
    """The position below which all posted commands are."""

    position: Position | None = field(default=None)

    def add(self, text: str) -> None:
        """Add the position of one more answer.

        Raises:
            DeployError: when the topic was re-created during the replay.
        """
        new = Position.parse(text)
        if self.position is None:
            self.position = new
            return
        if (new.topic, new.epoch) != (self.position.topic, self.position.epoch):
            raise DeployError("the topic of commands was re-created during the replay; replay again")
        for partition, offset in new.offsets.items():
            self.position.offsets[partition] = max(offset, self.position.offsets.get(partition, 0))


@dataclass(frozen=True, slots=True)
class Replay:
    """The replay of one file into one API."""

    ingress: Ingress
    file: FillsFile
    pace: Pace
    progress: ProgressFile
    console: Console

    async def post(self, skip: int) -> PostedCommands:
        """Post everything after the first `skip` fills. Return the position of the posted commands."""
        commands = PostedCommands()
        with Progress(*COLUMNS, console=self.console, transient=True) as bar:
            task = bar.add_task("replaying", total=len(self.file.fills), completed=skip)
            started_s, sent = time.monotonic(), 0
            for key, batch in self.file.batches(self.pace.batch, skip):
                commands.add((await self.ingress.report_fills(key, batch))["position"])
                sent += len(batch)
                self.progress.note(skip + sent)
                bar.advance(task, len(batch))
                await asyncio.sleep(self.pace.pause_s(sent, time.monotonic() - started_s))
        return commands

    async def wait_until_visible(self, position: Position | None) -> tuple[Answer, Answer]:
        """Return the xp board and the fees after the workers have processed all records below the position.

        Raises:
            DeployError: when the workers make no progress.
        """
        if position is None:
            return await self.ingress.get(BOARD, limit=TOP), await self.ingress.get(FEES)
        fees = await self.ingress.get_after(position, FEES)
        return await self.ingress.get_after(position, BOARD, limit=TOP), fees


def run_replay(
    settings: Settings,
    file: FillsFile,
    pace: Pace,
    *,
    url: str | None,
    token: str | None,
    resume: bool,
    marks: bool = False,
    tick: bool = False,
) -> None:
    """Replay a file and print a summary.

    Args:
        settings: The settings.
        file: The fills.
        pace: How fast to post them.
        url: The API; None for the one of the settings.
        token: The venue's token or API key; None for a token signed here.
        resume: Whether to skip the fills that an earlier replay has sent.
        marks: Whether to report the last price of each market as its mark price when all effects are visible.
        tick: Whether to tick the time of the last fill after that.

    Raises:
        DeployError: when the ingress refuses a request, or the workers make no progress.
    """
    asyncio.run(_run(settings, file, pace, url=url, token=token, resume=resume))
    if marks and file.fills:
        asyncio.run(_report_marks(settings, file, url))
    if tick and file.fills:
        asyncio.run(tick_once(settings, max(Instant.parse(fill["executed_at"]) for fill in file.fills)))


async def _report_marks(settings: Settings, file: FillsFile, url: str | None) -> None:
    """Report the last price of each market as a service, and wait until orders run at it."""
    console = _console()
    marks = file.last_marks()
    async with Ingress(
        url or api_url(settings), IssuedToken(settings, DEV_SERVICE, Role.SERVICE), console.print
    ) as ingress:
        answer = await ingress.report_prices(f"{file.digest}-marks", marks)
        await ingress.get_after(answer["position"], "/v1/prices")
    console.print(f"mark prices of {len(marks)} markets posted: practice orders can run")


def _console() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


async def _run(
    settings: Settings, file: FillsFile, pace: Pace, *, url: str | None, token: str | None, resume: bool
) -> None:
    console = _console()
    credentials = IssuedToken(settings, DEV_VENUE, Role.VENUE) if token is None else FixedToken(token)
    async with Ingress(url or api_url(settings), credentials, console.print) as ingress:
        progress = ProgressFile(settings.data_dir, file.digest, ingress.url)
        replay = Replay(ingress, file, pace, progress, console)
        skip = min(progress.sent(), len(file.fills)) if resume else 0
        started_s = time.monotonic()
        commands = await replay.post(skip)
        posted_s = time.monotonic()
        board, fees = await replay.wait_until_visible(commands.position)
        sent, seconds = len(file.fills) - skip, posted_s - started_s
        console.print(
            f"{sent} fills of {file.path.name} posted in {seconds:.1f} s ({sent / max(seconds, 1e-9):,.0f}/s), "
            f"all visible {time.monotonic() - posted_s:.1f} s later"
            + (f"; {skip} had been sent before" if skip else "")
        )
        show(Console(highlight=False), board, fees)


def show(console: Console, board: Answer, fees: Answer) -> None:
    """Print the top of the board and the fees, as the API serves them."""
    table = Table("rank", "user", "XP", "reached", title=f"XP, all time ({board['total']} users)", title_justify="left")
    for row in board["rows"]:
        table.add_row(str(row["rank"]), row["user_id"] or "(private)", f"{row['score']:,}", row["reached_at"])
    console.print(table)
    totals = Table("fees", "asset", "beneficiary", "amount")
    for fee in fees["fees"]:
        totals.add_row(fee["source"], fee["asset"], fee["beneficiary"], str(fee["amount"]))
    console.print(totals)
