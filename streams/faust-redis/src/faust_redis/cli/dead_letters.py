"""`dead-letters`: list, show, replay and drop messages that could not be processed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from faust_redis.admin import Admin, InvalidRequestError
from faust_redis.cli.program import Ask, Program
from faust_redis.cli.text import shown
from faust_redis.dead_letters import DeadLetter, DeadLetters
from faust_redis.log.client import Log

DEAD_LETTERS = """List, show, replay or drop messages that could not be processed.

A message becomes a dead letter in the commit that moves past it. A replay appends the original bytes to their topic
and removes the letter, in one write.

\b
Examples:
  PROGRAM dead-letters list
  PROGRAM dead-letters replay LETTER
"""
LIST = """List the open dead letters, one a line. Each line begins with the id of the letter.

\b
Example:
  PROGRAM dead-letters list
"""
SHOW = """Print one letter: its topic, partition and offset, its original bytes, and the error.

\b
Example:
  PROGRAM dead-letters show counter:clicks:2:1841
"""
REPLAY = """Append the original message to its topic again and remove the letter, in one write.

The command is safe to repeat: the second run appends nothing and prints the same offset.

\b
Example:
  PROGRAM dead-letters replay counter:clicks:2:1841
"""
DROP = """Remove a letter for good.

\b
Example:
  PROGRAM dead-letters drop counter:clicks:2:1841
"""
SUFFIX = "-dead-letters"
ERROR_CHARS_MAX = 160

T = TypeVar("T")
letter_argument = click.argument("letter", metavar="LETTER")


def dead_letters(program: Program) -> click.Group:
    """Make the command for a program."""

    @click.group("dead-letters", help=program.help(DEAD_LETTERS))
    def group() -> None:
        pass

    @group.command("list", help=program.help(LIST))
    @program.target
    def list_letters(*, ask: Ask) -> None:
        letters = ask(lambda log: _all(log, program))
        for letter in letters:
            cause = letter.cause[:ERROR_CHARS_MAX] or "?"
            click.echo(f"{letter.id}  {letter.agent}  {letter.attempts} attempts  {cause}")
        if not letters:
            click.echo("there are no dead letters")

    @group.command("show", help=program.help(SHOW))
    @letter_argument
    @program.target
    def show(*, ask: Ask, letter: str) -> None:
        _print(ask(lambda log: _with(log, program, letter, _itself)))

    @group.command("replay", help=program.help(REPLAY))
    @letter_argument
    @program.target
    def replay(*, ask: Ask, letter: str) -> None:
        offset = ask(lambda log: _replay(log, program, letter))
        _, topic, partition, _ = letter.rsplit(":", 3)
        click.echo(f"replayed to {topic}:{partition}:{offset}")

    @group.command("drop", help=program.help(DROP))
    @letter_argument
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @program.target
    def drop(*, ask: Ask, letter: str, yes: bool) -> None:
        if not yes:
            click.confirm(f"Drop {letter} for good?", abort=True)
        ask(lambda log: _with(log, program, letter, DeadLetters.drop))
        click.echo(f"dropped {letter}")

    return group


async def _boxes(log: Log, program: Program) -> list[DeadLetters]:
    topics = [program.dead_letters] if program.dead_letters else await Admin(log).topics()
    return [DeadLetters(log, topic) for topic in topics if topic == program.dead_letters or topic.endswith(SUFFIX)]


async def _all(log: Log, program: Program) -> list[DeadLetter]:
    return [letter for box in await _boxes(log, program) for letter in await box.all()]


async def _with(
    log: Log, program: Program, letter_id: str, act: Callable[[DeadLetters, DeadLetter], Awaitable[T]]
) -> T:
    for box in await _boxes(log, program):
        found = await box.get(letter_id)
        if found is not None:
            return await act(box, found)
    raise InvalidRequestError(
        f"there is no dead letter {letter_id!r}; '{program.name} dead-letters list' shows those there are"
    )


async def _itself(_box: DeadLetters, letter: DeadLetter) -> DeadLetter:
    return letter


async def _replay(log: Log, program: Program, letter_id: str) -> int:
    for box in await _boxes(log, program):
        before = await box.replayed(letter_id)
        if before is not None:
            return before
    return await _with(log, program, letter_id, DeadLetters.replay)


def _print(letter: DeadLetter) -> None:
    event_time = datetime.fromtimestamp(letter.timestamp_ms / 1_000, UTC).isoformat(timespec="milliseconds")
    lines: list[tuple[str, Any]] = [
        ("message", f"{letter.topic}:{letter.partition}:{letter.offset}, event time {event_time}"),
        ("group", letter.group),
        ("agent", f"{letter.agent}, {letter.attempts} attempts"),
        ("key", shown(letter.key)),
        *(("header", f"{name}: {shown(value)}") for name, value in letter.headers),
        ("value", shown(letter.value)),
    ]
    for name, text in lines:
        click.echo(f"{name:<11}{text}")
    click.echo(f"error\n{letter.error.rstrip()}")
