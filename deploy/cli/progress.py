"""Show on a terminal how much of the log a command has read."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click

EVERY_S: Final = 0.5


@contextmanager
def records_read() -> Iterator[Callable[[int], None]]:
    """Yield a function that shows the number of records read; it writes nothing when standard error is no terminal."""
    shown_s, terminal = time.monotonic(), sys.stderr.isatty()

    def show(count: int) -> None:
        nonlocal shown_s
        if terminal and time.monotonic() - shown_s >= EVERY_S:
            shown_s = time.monotonic()
            click.echo(f"\r{count:,} records read", nl=False, err=True)

    yield show
    if terminal:
        click.echo("\r\033[K", nl=False, err=True)
