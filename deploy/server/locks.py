"""Advisory locks on files, for a data directory or a worker slot. The file holds the pid of the lock's holder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from deploy.errors import LockedError
from deploy.server.private import private_directory


class FileLock:
    """An exclusive `flock`; the kernel releases it when the last process that has the descriptor is gone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            LockedError: another process holds it; the message names that process.
        """
        private_directory(self.path.parent)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 32, 0).decode().strip() or "unknown"
            os.close(fd)
            raise LockedError(f"{self.path.parent} is in use by process {holder}") from None
        if not is_at(self.path, fd):  # the holder removed the file in between
            os.close(fd)
            return self.acquire()
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd
        return None

    @property
    def in_place(self) -> bool:
        """Return whether the locked file is still at its path, and its directory was not removed or replaced."""
        return self._fd is not None and is_at(self.path, self._fd)

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    @property
    def fd(self) -> int:
        """Return the descriptor. A child that inherits the descriptor holds the lock too."""
        if self._fd is None:
            raise LockedError(f"{self.path} is not locked by this process")
        return self._fd


def is_at(path: Path, fd: int) -> bool:
    """Return whether the open file is still the one at the path."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
