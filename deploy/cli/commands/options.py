"""Options that all commands share, and access to the log of an installation."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from faust_redis.cli.program import Program
from faust_redis.log import Log

from deploy.broker import log_of
from deploy.errors import DeployError
from deploy.settings import Settings, load
from streams.topics import DEAD_LETTERS

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for everything kept on disk.  [default: ASTRA_DATA_DIR, or ./data]",
)


def shape_option(lines: str) -> Callable[[F], F]:
    """Return the option `--format`: lines of text, which the argument names in the help, or JSON."""
    return click.option(
        "--format",
        "shape",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help=f"{lines}, or the events whole.",
    )


def ask_log(settings: Settings, question: Callable[[Log], Awaitable[T]]) -> T:
    """Open the log of these settings with its archive, run a query on it, and close it."""

    async def ask() -> T:
        async with log_of(settings, owned=False, compacted=True) as log:
            return await question(log)

    return asyncio.run(ask())


def log_target(command: F) -> F:
    """Add ``--data-dir`` to one of the library's commands, and pass it `ask`."""
    return _target(command, on_kafka=None)


def letters_target(command: F) -> F:
    """Do the same for a command about dead letters, which do not exist on Kafka."""
    return _target(
        command,
        on_kafka="there are no dead letters on Kafka: Faust's own driver logs an agent's error and passes over the "
        "message; look into the workers' logs (docs/kafka.md)",
    )


def _target(command: F, on_kafka: str | None) -> F:
    @functools.wraps(command)
    def run(*args: Any, data_dir: Path | None, **arguments: Any) -> Any:
        def ask(question: Callable[[Log], Awaitable[T]]) -> T:
            settings = load(data_dir=data_dir)
            if settings.on_kafka and on_kafka is not None:
                raise DeployError(on_kafka)
            return ask_log(settings, question)

        return command(*args, ask=ask, **arguments)

    wrapped: Any = run
    typed: F = data_dir_option(wrapped)
    return typed


PROGRAM = Program("astratrade", log_target)
LETTERS_PROGRAM = Program("astratrade", letters_target, DEAD_LETTERS)
