"""What several commands share: the data directory option, and running a question on the log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
from faust_redis.log import Log

from deploy.broker import log_url
from deploy.settings import Settings

T = TypeVar("T")

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for everything kept on disk.  [default: ASTRA_DATA_DIR, or ./data]",
)


def ask_log(settings: Settings, question: Callable[[Log], Awaitable[T]]) -> T:
    """Ask the log of these settings something, and close it."""

    async def ask() -> T:
        async with Log(log_url(settings), settings.namespace) as log:
            return await question(log)

    return asyncio.run(ask())
