"""Database URLs: `postgresql://…` with the parameters of libpq, or `sqlite:////absolute/path`."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

POSTGRES_SCHEMES: Final = ("postgresql", "postgres", "postgresql+asyncpg")
SQLITE_SCHEMES: Final = ("sqlite", "sqlite+aiosqlite")


def is_sqlite(url: str) -> bool:
    """Return whether a URL names a file of SQLite."""
    return urlsplit(url).scheme in SQLITE_SCHEMES


def sqlite_path(url: str) -> Path:
    """Return the file that an SQLite URL names.

    Raises:
        ValueError: the URL names no file. A database in memory would be another one in each process.
    """
    parts = urlsplit(url)
    name = parts.path.removeprefix("/")
    if parts.netloc or not name or name == ":memory:" or name.startswith("file:"):
        raise ValueError("it names no file; expected sqlite:////absolute/path")
    return Path(name).expanduser().absolute()


def sqlite_url(path: Path) -> str:
    """Return the URL of a file of SQLite."""
    return f"sqlite:///{path.absolute()}"


def postgres_dsn(url: str) -> str:
    """Return a PostgreSQL URL as libpq and asyncpg read it.

    Raises:
        ValueError: the URL has another scheme.
    """
    scheme = urlsplit(url).scheme
    if scheme not in POSTGRES_SCHEMES:
        raise ValueError(f"its scheme is {scheme!r}")
    return "postgresql" + url.removeprefix(scheme)


def check_url(url: str) -> None:
    """Refuse a URL that names neither database.

    Raises:
        ValueError: naming what is wrong, without the URL itself: it may hold a password.
    """
    if is_sqlite(url):
        sqlite_path(url)
    else:
        postgres_dsn(url)
