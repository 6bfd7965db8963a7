"""The place of an archive: a directory, or a bucket of an object store. Knows files, and nothing of the log.

| URL | Place |
|---|---|
| a path, `file:///var/lib/archive` | a directory |
| `s3://bucket/prefix?region=eu-central-1` | Amazon S3; `&endpoint_override=http://host:9000` for another one |
| `gs://bucket/prefix` | Google Cloud Storage |

Credentials come from where the store's own tools look for them: `AWS_ACCESS_KEY_ID`, a profile, the machine's role.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from pyarrow import ArrowInvalid
from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem

from faust_redis.archive.errors import MissingFileError, StorageError

UNFINISHED = ".unfinished"
"""The end of the name of a file that is being written."""


class StoredFile(NamedTuple):
    """A file: its path below the place, its size in bytes, and when it was written, in seconds since 1970."""

    path: str
    size: int
    written_s: float


class Storage:
    """Reads and writes whole files. Paths are relative, with slashes."""

    def __init__(self, url: str) -> None:
        """Parse the URL.

        Raises:
            ValueError: it is not a URL of a known kind.
        """
        try:
            self._files, self._root = FileSystem.from_uri(url if "://" in url else str(Path(url).absolute()))
        except (ArrowInvalid, OSError) as exc:
            raise ValueError(f"expected a path, file://, s3:// or gs://, got {url!r}: {exc}") from exc
        self.is_local = isinstance(self._files, LocalFileSystem)

    def write(self, path: str, write: Callable[[Any], None]) -> int:
        """Write a file by a function that gets it open; return its size. Readers see all of it or nothing.

        Raises:
            StorageError: it could not be written.
        """
        with _translated(f"cannot write {self.shown(path)}"):
            if self.is_local:
                return self._write_local(Path(self._at(path)), write)
            with self._files.open_output_stream(self._at(path)) as file:
                write(file)
            return int(self._files.get_file_info(self._at(path)).size)

    @contextmanager
    def reading(self, path: str) -> Iterator[Any]:
        """Open a file for random access.

        Raises:
            MissingFileError: it is not there.
            StorageError: it cannot be read.
        """
        file = self.open(path)
        try:
            yield file
        finally:
            file.close()

    def open(self, path: str) -> Any:
        """Open a file for random access; the caller closes it. Errors are those of `reading`."""
        with _translated(f"cannot read {self.shown(path)}"):
            return self._files.open_input_file(self._at(path))

    def files(self, directory: str = "") -> list[StoredFile]:
        """Return all files below a directory, by path.

        Raises:
            StorageError: the place cannot be read.
        """
        with _translated(f"cannot list {self.shown(directory)}"):
            found = self._files.get_file_info(FileSelector(self._at(directory), recursive=True, allow_not_found=True))
        return sorted(
            StoredFile(one.path.removeprefix(self._root).lstrip("/"), int(one.size), one.mtime_ns / 1e9)
            for one in found
            if one.type == FileType.File
        )

    def delete(self, path: str) -> None:
        """Delete a file; one that is gone already is fine.

        Raises:
            StorageError: it cannot be deleted.
        """
        with suppress(MissingFileError), _translated(f"cannot delete {self.shown(path)}"):
            self._files.delete_file(self._at(path))

    @property
    def filesystem(self) -> FileSystem:
        """Return pyarrow's file system of the place."""
        return self._files

    def within(self, path: str) -> str:
        """Return the path of a file in the file system of the place."""
        return self._at(path)

    def shown(self, path: str) -> str:
        """Return where a file is, for messages and for readers outside of this process."""
        return self._at(path) if self.is_local else f"{self._files.type_name}://{self._at(path)}"

    def _at(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}" if path else self._root

    def _write_local(self, path: Path, write: Callable[[Any], None]) -> int:
        """Write beside the place of the file, sync, and rename. A file of a process that was killed stays beside."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
        try:
            with unfinished.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink()
            raise
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return path.stat().st_size


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as exc:
        raise MissingFileError(f"{what}: it is not there") from exc
    except OSError as exc:
        raise StorageError(f"{what}: {exc}") from exc
