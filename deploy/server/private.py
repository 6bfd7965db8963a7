"""Directories that only their owner can read. They hold tables, tokens and commands of users."""

from __future__ import annotations

from pathlib import Path

from deploy.errors import BrokerError

OWNER_ONLY = 0o700


def private_directory(directory: Path) -> None:
    """Create a directory and its missing parents for the owner only. Do not change an existing one.

    Raises:
        BrokerError: the directory cannot be created.
    """
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    try:
        for path in reversed(missing):
            path.mkdir(mode=OWNER_ONLY, exist_ok=True)
        directory.mkdir(exist_ok=True)
    except OSError as exc:
        raise BrokerError(f"cannot create {directory}: {exc.strerror}; set ASTRA_DATA_DIR to a writable place") from exc
