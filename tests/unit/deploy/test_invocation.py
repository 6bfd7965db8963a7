"""Printed commands work as pasted: the program is shown as the user's shell finds it."""

from pathlib import Path

import pytest

from deploy.cli.invocation import in_users_directory, program


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with an installed program, in which the user's shell is."""
    for directory in (tmp_path / ".venv" / "bin", tmp_path / "elsewhere"):
        directory.mkdir(parents=True)
        (directory / "astratrade").touch(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    return tmp_path


def started(script: str, *arguments: str) -> str:
    return program([script, *arguments], ["python3", script, *arguments])


def test_a_script_in_the_users_directory_is_shown_by_its_relative_path(home: Path) -> None:
    assert started(str(home / ".venv/bin/astratrade"), "dev", "--port", "0") == ".venv/bin/astratrade"


def test_a_script_on_the_path_is_shown_by_its_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home / ".venv" / "bin"))
    assert started(str(home / ".venv/bin/astratrade"), "dev") == "astratrade"
    assert started(str(home / "elsewhere/astratrade"), "dev") == "elsewhere/astratrade", "not the one on PATH"


def test_a_script_elsewhere_is_shown_by_its_whole_path(
    home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("other"))
    assert started(str(home / ".venv/bin/astratrade"), "dev") == str(home / ".venv/bin/astratrade")


def test_a_launcher_that_changed_the_directory_gets_the_whole_path(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWD", str(home / "elsewhere"))
    assert not in_users_directory()
    assert started(str(home / ".venv/bin/astratrade"), "dev") == str(home / ".venv/bin/astratrade")


def test_a_module_is_shown_with_its_interpreter(home: Path) -> None:
    interpreted = ["python3", "-P", "-m", "deploy.cli.main", "dev", "-v"]
    assert program(["/x/deploy/cli/main.py", "dev", "-v"], interpreted) == "python3 -P -m deploy.cli.main"


def test_a_path_with_a_space_is_quoted(home: Path) -> None:
    directory = home / "my programs"
    directory.mkdir()
    assert started(str(directory / "astratrade"), "dev") == "'my programs/astratrade'"
