"""Advisory locks on files: who holds a data directory or a worker slot. The holder's pid stands in the file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from deploy.errors import LockedError


class FileLock:
    """An exclusive `flock`; the kernel releases it when the last process that has the descriptor is gone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            LockedError: naming the process that holds it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 32, 0).decode().strip() or "unknown"
            os.close(fd)
            raise LockedError(f"{self.path.parent} is in use by process {holder}") from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    @property
    def fd(self) -> int:
        """The descriptor, to be passed to a child that shall hold the lock too."""
        if self._fd is None:
            raise LockedError(f"{self.path} is not locked by this process")
        return self._fd
