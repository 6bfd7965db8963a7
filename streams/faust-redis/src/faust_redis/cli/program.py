"""The program that has the commands: `faust-redis`, or an application that mounts them under its own name.

The commands differ between programs only in how they reach the log. A program says that by `target`: a decorator that
adds options to a command (a URL, a data directory) and calls it with `ask`, which runs a question on the log.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import click

from faust_redis.log.address import NAMESPACE, split_options
from faust_redis.log.client import Log
from faust_redis.log.sharded import open_log

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Ask(Protocol):
    """Runs a query on the log that the options name, and closes the log."""

    def __call__(self, question: Callable[[Log], Awaitable[T]]) -> T:
        """Return the answer."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program with these commands.

    Attributes:
        name: How users call it; help texts and messages say so.
        target: Adds the options that name the broker, and passes `ask` to the command.
        dead_letters: The topic of dead letters; None for all topics whose name ends as those do.
    """

    name: str
    target: Callable[[F], F]
    dead_letters: str | None = None

    def help(self, text: str) -> str:
        """Return a help text with the program's name in place of PROGRAM."""
        return text.replace("PROGRAM", self.name)


def ask_log(address: str, namespace: str, question: Callable[[Log], Awaitable[T]]) -> T:
    """Run a query on a log, and close the log."""

    async def ask() -> T:
        async with open_log(address, namespace) as log:
            return await question(log)

    return asyncio.run(ask())


def url_target(command: F) -> F:
    """Add ``--url`` and ``--namespace`` to a command, and pass it `ask`."""

    @functools.wraps(command)
    def run(*args: Any, url: str, namespace: str | None, **arguments: Any) -> Any:
        address, options = split_options(url)

        def ask(question: Callable[[Log], Awaitable[T]]) -> T:
            return ask_log(address, namespace or options.get("namespace", NAMESPACE), question)

        return command(*args, ask=ask, **arguments)

    wrapped: Any = run
    for option in (
        click.option(
            "--namespace",
            envvar="FAUST_REDIS_NAMESPACE",
            help=f"Prefix of the application's keys.  [default: the URL's, or {NAMESPACE}]",
        ),
        click.option(
            "--url",
            envvar="FAUST_REDIS_URL",
            default="redis://localhost:6379",
            show_default=True,
            show_envvar=True,
            help="The application's broker URL.",
        ),
    ):
        wrapped = option(wrapped)
    typed: F = wrapped
    return typed
