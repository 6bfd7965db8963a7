"""The file of an SQLite database."""

from __future__ import annotations

import os
from typing import Final

from api.identity.store.errors import StoreError
from api.identity.store.urls import is_sqlite, sqlite_path

OWNER_ONLY: Final = 0o600


def is_missing_file(url: str) -> bool:
    """Return whether a URL names a file of SQLite that does not exist. Connecting would create it."""
    return is_sqlite(url) and not sqlite_path(url).exists()


def create_private_file(url: str) -> None:
    """Create the empty file of an SQLite database for its owner only. SQLite gives its other files the same mode.

    Raises:
        StoreError: the file cannot be created.
    """
    if not is_missing_file(url):
        return
    path = sqlite_path(url)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, OWNER_ONLY))
    except OSError as exc:
        raise StoreError(f"cannot create {path}: {exc.strerror}") from exc
