"""Where tools are looked for, and what is refused."""

from __future__ import annotations

import hashlib
import lzma
from pathlib import Path

import pytest

from contracts.toolchain import corelib, tools
from contracts.toolchain.tools import BuildError, Tool

TOOL = Tool("teapot", "4.1.8", "00", "TEAPOT", 1)
PROGRAM = "#!/bin/sh\necho teapot {}\n"


def program(path: Path, version: str = TOOL.version) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PROGRAM.format(version), "utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def nothing_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv(TOOL.variable, raising=False)
    monkeypatch.setattr(tools, "PACKED", tmp_path / "packed")


def test_a_tool_is_found_by_its_variable_in_the_cache_or_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tools.find(TOOL) is None
    on_path = program(tmp_path / "bin" / "teapot")
    monkeypatch.setenv("PATH", f"{on_path.parent}:/usr/bin:/bin")
    assert tools.find(TOOL) == str(on_path)
    kept = program(tools.cache() / "teapot-4.1.8" / "bin" / "teapot")
    assert tools.find(TOOL) == str(kept)
    named = program(tmp_path / "other" / "pot")
    monkeypatch.setenv(TOOL.variable, str(named))
    assert tools.find(TOOL) == str(named)


def test_another_version_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = program(tmp_path / "bin" / "teapot", "4.1.9")
    monkeypatch.setenv("PATH", f"{other.parent}:/usr/bin:/bin")
    assert tools.find(TOOL) is None
    monkeypatch.setenv(TOOL.variable, str(other))
    with pytest.raises(BuildError, match=r"TEAPOT does not name teapot 4\.1\.8"):
        tools.find(TOOL)


@pytest.mark.parametrize("right", [True, False])
def test_a_packed_tool_is_taken_when_its_digest_is_right(right: bool) -> None:
    content = PROGRAM.format(TOOL.version).encode()
    tools.PACKED.mkdir()
    (tools.PACKED / "teapot.xz").write_bytes(lzma.compress(content))
    digest = hashlib.sha256(content if right else b"other").hexdigest()
    (tools.PACKED / "SHA256SUMS").write_text(f"{digest}  teapot\n", "utf-8")
    assert (tools.find(TOOL) is not None) == right


def test_a_build_without_cargo_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BuildError, match=r"teapot 4\.1\.8 was not found, and there is no cargo"):
        tools.provide(TOOL)


def test_another_package_is_not_unpacked(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="not the package that we know"):
        corelib.unpack(b"wasm", tmp_path / "corelib")
    assert not (tmp_path / "corelib").exists()
