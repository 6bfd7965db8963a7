"""The command that builds and checks the classes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contracts.toolchain import __main__ as command
from contracts.toolchain import artifacts
from contracts.toolchain.compiler import find_compiler


@pytest.fixture
def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_compiler", lambda: None)


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.json")}


@pytest.mark.usefixtures("without_compiler")
@pytest.mark.heavy
def test_the_check_passes_for_the_committed_classes_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--check"]) == 0
    assert "by their digests; no compiler is here" in capsys.readouterr().err
    copied = shutil.copytree(artifacts.FOLDER, tmp_path / "artifacts")
    (copied / "AstraToken.casm.json").write_text("{}", "utf-8")
    (copied / "FeeSplitter.casm.json").unlink()
    assert command.main(["--check"], copied) == 1
    said = capsys.readouterr().err
    assert "FeeSplitter.casm.json is missing" in said
    assert "run: python3 deploy/bootstrap.py contracts" in said


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_a_build_makes_the_committed_classes(tmp_path: Path) -> None:
    if find_compiler() is None:
        pytest.skip("no Cairo compiler is found; python3 deploy/bootstrap.py contracts builds it")
    assert command.main([], tmp_path) == 0
    assert files(tmp_path) == files(artifacts.FOLDER)
    assert command.main(["--check"], tmp_path) == 0
