"""Delete an installation's data: the namespace on the broker, and the local state of workers and server."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import ExitStack
from pathlib import Path

from faust_redis.admin import Admin

from deploy.broker import log_of
from deploy.retention_settings import DIRECTORY
from deploy.server.endpoint import forget_last_server, running_urls, server_directory
from deploy.server.locks import FileLock
from deploy.settings import Settings


def describe_reset(settings: Settings) -> str:
    """Describe what `reset_everything` would delete, so that a person can confirm it."""
    local = f"the local state in {settings.data_dir}"
    if _has_broker(settings):
        broker = "the configured server" if settings.configured_log_url else "the embedded server"
        return f"all keys of namespace {settings.namespace!r} on {broker}, {local}"
    return f"the embedded server's data and {local}"


def reset_everything(settings: Settings) -> str:
    """Delete all data of the installation. Return a summary.

    Raises:
        GroupInUseError: Workers hold leases.
        LockedError: A process uses the local state.
    """
    deleted = asyncio.run(_wipe(settings)) if _has_broker(settings) else 0
    directories = [path.parent for path in sorted((settings.data_dir / "workers").glob("*/lock"))]
    if not _has_broker(settings):
        data_dirs = [settings.data_dir, *sorted((settings.data_dir / "shards").glob("*"))]
        directories += [each for each in map(server_directory, data_dirs) if each.is_dir()]
    _remove(directories)
    shutil.rmtree(settings.data_dir / "replay", ignore_errors=True)
    if settings.archive_url == str(settings.data_dir / DIRECTORY):
        shutil.rmtree(settings.data_dir / DIRECTORY, ignore_errors=True)
    return f"deleted {deleted} keys and {len(directories)} directories"


def _has_broker(settings: Settings) -> bool:
    return not settings.embedded or running_urls(settings.data_dir) is not None


async def _wipe(settings: Settings) -> int:
    async with log_of(settings, owned=False) as log:
        return await Admin(log).delete_everything()


def _remove(directories: list[Path]) -> None:
    """Remove directories. Lock all of them first, so that no running process loses its directory."""
    with ExitStack() as stack:
        for directory in directories:
            lock = FileLock(directory / "lock")
            lock.acquire()
            stack.callback(lock.release)
        for directory in directories:
            forget_last_server(directory)
            shutil.rmtree(directory)
