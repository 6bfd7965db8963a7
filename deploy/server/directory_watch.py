"""Notice that the directory of an embedded server was removed or replaced while the server runs.

The running server answers on, but writes to files that no directory lists, so it keeps nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

from deploy.server.endpoint import running_url, server_directory
from deploy.server.locks import is_at
from deploy.settings import Settings

LOCK_FILE = "lock"


def removed(directory: Path) -> str:
    """Return the message about a server directory that was removed or replaced."""
    return (
        f"{directory} was removed or replaced while the server used it, so nothing is kept any more. "
        "Stop everything and start again. The writes since the last start are lost."
    )


class DirectoryWatch:
    """Another process's view of a server directory.

    It keeps the lock file open, so that the file system does not give the inode to another file.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock_file = directory / LOCK_FILE
        self._fd = os.open(self._lock_file, os.O_RDONLY | os.O_CLOEXEC)

    def fault(self) -> str | None:
        """Return a message that names the directory when it was removed or replaced, else None."""
        return None if is_at(self._lock_file, self._fd) else removed(self._directory)


def watch_embedded(settings: Settings, url: str) -> DirectoryWatch | None:
    """Return a watch when the URL is that of the embedded server of this data directory, else None."""
    return DirectoryWatch(server_directory(settings.data_dir)) if running_url(settings.data_dir) == url else None
