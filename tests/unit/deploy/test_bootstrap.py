"""The bootstrap script: clear about what it needs, quick when nothing changed."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "deploy/bootstrap.py"


@pytest.fixture
def bootstrap(tmp_path: Path) -> ModuleType:
    """The script as a module, with an environment of its own."""
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.VENV = tmp_path  # type: ignore[attr-defined]
    return module


def test_an_old_python_can_read_it_and_is_told_what_is_needed(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 7))
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    with pytest.raises(SystemExit) as ended:
        bootstrap.main(["test"])
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "bootstrap: Python 3.11 or later is needed, this is 3.9; run it as python3.11 or later\n"
    )


def test_it_needs_the_standard_library_alone() -> None:
    found = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), "--help"], check=True, capture_output=True, text=True
    )
    assert "bootstrap.py demo" in found.stdout


def test_an_unknown_command_shows_the_usage() -> None:
    assert subprocess.run([sys.executable, str(SCRIPT), "demos"], check=False, capture_output=True).returncode == 2


@pytest.mark.parametrize(("stamped", "extra", "installs"), [
    ("base", "", False), ("test", "", False), ("test", "test", False), ("base", "test", True), (None, "", True),
])  # fmt: skip
def test_what_stands_is_not_installed_again(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, stamped: str | None, extra: str, installs: bool
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "runs", lambda: True)
    monkeypatch.setattr(bootstrap, "quietly", lambda command, failure: ran.append(command))
    if stamped:
        (bootstrap.VENV / f".installed-{stamped}").write_text(bootstrap.fingerprint())
    bootstrap.install(extra)
    assert bool(ran) is installs
    ran.clear()
    bootstrap.install(extra)
    assert ran == []


def test_a_failed_step_is_one_line_and_its_last_words(
    bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        bootstrap.quietly([sys.executable, "-c", "print('no such package'); raise SystemExit(3)"], "pip failed")
    assert capsys.readouterr().err.splitlines() == [
        "no such package",
        "bootstrap: pip failed (status 3; its last lines are above)",
    ]
