"""The endpoint of an embedded server: its socket, and the file in the data directory with the socket's URL."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from deploy.errors import BrokerError

PING_TIMEOUT_S = 1.0
SOCKET_PATH_BYTES_MAX = 103  # macOS; Linux has 107
SOCKET_DIR_PREFIX = "astra-"
TEMP_DIRS = ("/tmp",)  # noqa: S108 - only when the system's own is too long; the directory in it is private
URL_FILE = "url"


def server_directory(data_dir: Path) -> Path:
    """Return the directory in which the server of a data directory keeps its files."""
    return data_dir.absolute() / "server"


def running_url(data_dir: Path) -> str | None:
    """Return the URL of the embedded server on a data directory, or None when no server answers."""
    try:
        url = (server_directory(data_dir) / URL_FILE).read_text("utf-8").strip()
    except FileNotFoundError:
        return None
    return url if answers(Path(urlsplit(url).path)) else None


def shard_directory(data_dir: Path, number: int) -> Path:
    """Return the data directory of one of several embedded servers. The first one has that of the installation."""
    return data_dir / "shards" / str(number) if number else data_dir


def running_urls(data_dir: Path) -> list[str] | None:
    """Return the URLs of the embedded servers on a data directory, or None when one of them does not answer."""
    directories, number = [data_dir], 1
    while server_directory(shard_directory(data_dir, number)).is_dir():
        directories.append(shard_directory(data_dir, number))
        number += 1
    urls = [running_url(each) for each in directories]
    return None if None in urls else [url for url in urls if url is not None]


def answers(path: Path) -> bool:
    """Return whether a server behind a Unix socket answers PING and has finished loading."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(PING_TIMEOUT_S)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def announce(directory: Path, url: str) -> None:
    """Write the server's URL to the file atomically, so that no reader sees a part of it."""
    temporary = directory / f"{URL_FILE}.new"
    temporary.write_text(f"{url}\n", "utf-8")
    temporary.replace(directory / URL_FILE)


def forget_last_server(directory: Path) -> None:
    """Remove the socket directory of a killed supervisor. The caller's lock ensures that its server has ended."""
    url_file = directory / URL_FILE
    if url_file.exists():
        socket_dir = Path(urlsplit(url_file.read_text("utf-8").strip()).path).parent
        if socket_dir.name.startswith(SOCKET_DIR_PREFIX):
            shutil.rmtree(socket_dir, ignore_errors=True)
        url_file.unlink()


def socket_directory() -> Path:
    """Create a private directory with a path short enough for a Unix socket."""
    for parent in (tempfile.gettempdir(), *TEMP_DIRS):
        path = Path(tempfile.mkdtemp(prefix=SOCKET_DIR_PREFIX, dir=parent)).absolute()
        if len(str(path / "s").encode()) <= SOCKET_PATH_BYTES_MAX:
            return path
        path.rmdir()
    raise BrokerError(f"{parent} is too long a path for a Unix socket; set TMPDIR to a shorter directory")
