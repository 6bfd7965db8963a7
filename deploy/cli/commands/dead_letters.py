"""`astratrade dead-letters`: what could not be processed, and what to do with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
from faust_redis.dead_letters import DeadLetter, DeadLetters

from deploy.cli.commands.options import ask_log, data_dir_option
from deploy.errors import DeployError
from deploy.settings import load
from streams.times import MILLISECOND_US, Instant
from streams.topics import DEAD_LETTERS

T = TypeVar("T")
PREVIEW_CHARS_MAX = 2_000

letter_argument = click.argument("letter", metavar="TOPIC:PARTITION:OFFSET")


@click.group("dead-letters")
def dead_letters() -> None:
    """List, show, replay or drop messages that could not be processed.

    A message becomes a dead letter in the commit that moves past it. Replaying appends the original bytes to its
    topic and strikes the letter, together and once.

    \b
    Examples:
      astratrade dead-letters list
      astratrade dead-letters replay astra.trading.commands.v1:2:1841
    """


@dead_letters.command("list")
@data_dir_option
def list_letters(data_dir: Path | None) -> None:
    """List the letters that nobody has dealt with, one a line.

    \b
    Example:
      astratrade dead-letters list
    """
    letters = _ask(data_dir, lambda box: box.all())
    for letter in letters:
        reason = letter.error.strip().splitlines()[-1] if letter.error.strip() else "?"
        click.echo(f"{letter.id}  {letter.agent}  {letter.attempts} attempts  {reason[:160]}")
    if not letters:
        click.echo("there are no dead letters")


@dead_letters.command("show")
@letter_argument
@data_dir_option
def show_letter(letter: str, data_dir: Path | None) -> None:
    """Print one letter: where it stood, its original bytes, and the error.

    \b
    Example:
      astratrade dead-letters show astra.trading.commands.v1:2:1841
    """
    found = _ask(data_dir, lambda box: _find(box, letter))
    click.echo(f"message    {found.id}, event time {Instant(found.timestamp_ms * MILLISECOND_US).text()}")
    click.echo(f"agent      {found.agent}, {found.attempts} attempts")
    click.echo(f"key        {_shown(found.key)}")
    for name, value in found.headers:
        click.echo(f"header     {name}: {_shown(value)}")
    click.echo(f"value      {_shown(found.value)}")
    click.echo(f"error\n{found.error.rstrip()}")


@dead_letters.command("replay")
@letter_argument
@data_dir_option
def replay_letter(letter: str, data_dir: Path | None) -> None:
    """Append the original message to its topic again and strike the letter, together and once.

    Run it again when you do not know whether it came through: it says where the message stands.

    \b
    Example:
      astratrade dead-letters replay astra.trading.commands.v1:2:1841
    """

    async def replay(box: DeadLetters) -> int:
        before = await box.replayed(letter)
        return before if before is not None else await box.replay(await _find(box, letter))

    offset = _ask(data_dir, replay)
    click.echo(f"replayed: it stands again at {letter.rpartition(':')[0]}:{offset}")


@dead_letters.command("drop")
@letter_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_dir_option
def drop_letter(letter: str, yes: bool, data_dir: Path | None) -> None:
    """Strike a letter for good.

    \b
    Example:
      astratrade dead-letters drop astra.trading.commands.v1:2:1841
    """

    async def drop(box: DeadLetters) -> None:
        await box.drop(await _find(box, letter))

    if not yes:
        click.confirm(f"Drop {letter} for good?", abort=True)
    _ask(data_dir, drop)
    click.echo(f"dropped {letter}")


def _ask(data_dir: Path | None, act: Callable[[DeadLetters], Awaitable[T]]) -> T:
    settings = load(data_dir=data_dir)
    if settings.on_kafka:
        raise DeployError(
            "there are no dead letters on Kafka: Faust's own driver logs an agent's error and passes over the message; "
            "look into the workers' logs (docs/kafka.md)"
        )
    return ask_log(settings, lambda log: act(DeadLetters(log, DEAD_LETTERS)))


async def _find(box: DeadLetters, letter: str) -> DeadLetter:
    found = await box.get(letter)
    if found is None:
        raise DeployError(f"there is no dead letter {letter!r}; `astratrade dead-letters list` shows those there are")
    return found


def _shown(value: bytes | None) -> str:
    if value is None:
        return "(none)"
    text = value.decode("utf-8", errors="backslashreplace")
    return text if len(text) <= PREVIEW_CHARS_MAX else f"{text[:PREVIEW_CHARS_MAX]}… ({len(value)} bytes)"
