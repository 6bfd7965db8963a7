"""The database of accounts of a drill, on each of the two servers: back it up, and restore it into a new one."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Protocol

from deploy.settings import DATABASE_FILE
from tests.outbox.postgres import Postgres

ACCOUNTS = "SELECT id FROM accounts"


class Database(Protocol):
    """A database of accounts."""

    def url(self, directory: Path) -> str:
        """Return the URL of the installation in a directory."""

    def accounts(self, directory: Path) -> set[str]:
        """Return the ids of all accounts."""

    def back_up(self, directory: Path, file: Path) -> None:
        """Back up the database of an installation while it is used."""

    def restore(self, file: Path, directory: Path) -> None:
        """Restore a backup as the database of a fresh installation."""


class Sqlite:
    """A file in the data directory, copied by SQLite's online backup."""

    def url(self, directory: Path) -> str:
        return f"sqlite:///{directory / DATABASE_FILE}"

    def accounts(self, directory: Path) -> set[str]:
        with closing(sqlite3.connect(directory / DATABASE_FILE)) as connection:
            return {str(row[0]) for row in connection.execute(ACCOUNTS)}

    def back_up(self, directory: Path, file: Path) -> None:
        with closing(sqlite3.connect(directory / DATABASE_FILE)) as source, closing(sqlite3.connect(file)) as copy:
            source.backup(copy)

    def restore(self, file: Path, directory: Path) -> None:
        shutil.copy(file, directory / DATABASE_FILE)
        (directory / DATABASE_FILE).chmod(0o600)


class Postgresql:
    """A database of its own for each installation, on one PostgreSQL server, by pg_dump and pg_restore."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._made: dict[Path, str] = {}

    def url(self, directory: Path) -> str:
        if directory not in self._made:
            self._made[directory] = name = f"drill_{len(self._made)}"
            asyncio.run(self._server.execute(f"CREATE DATABASE {name}"))
        return self._server.url(self._made[directory])

    def accounts(self, directory: Path) -> set[str]:
        return set(
            self._run("psql", "--no-align", "--tuples-only", f"--command={ACCOUNTS}", self.url(directory)).split()
        )

    def back_up(self, directory: Path, file: Path) -> None:
        self._run("pg_dump", "--format=custom", f"--file={file}", self.url(directory))

    def restore(self, file: Path, directory: Path) -> None:
        self._run("pg_restore", "--exit-on-error", f"--dbname={self.url(directory)}", str(file))

    def _run(self, program: str, *arguments: str) -> str:
        words = [str(self._server.programs / program), *arguments]
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout
