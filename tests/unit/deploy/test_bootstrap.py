"""Test that the bootstrap script names its requirements, runs the checks and installs only changes."""

import ast
import hashlib
import importlib.util
import signal
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from tests.e2e.waiting import eventually

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "deploy/bootstrap.py"


@pytest.fixture
def bootstrap() -> ModuleType:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ran(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the commands that an installation would run; none of them runs."""
    commands: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "quietly", lambda command, failure: commands.append(command))
    return commands


def executable(path: Path, version: str, status: int = 0) -> None:
    """Write a program that prints the version of an interpreter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{version}'\nexit {status}\n")
    path.chmod(0o755)


def test_an_old_python_can_run_the_script_and_learns_which_version_is_needed(
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


def test_contracts_are_built_in_the_environment_of_the_project(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def call(command: list[str], cwd: Path) -> int:
        assert cwd == ROOT
        ran.append(command)
        return 3

    monkeypatch.setattr(bootstrap, "install", lambda venv, interpreter, extra: ran.append([venv.name, extra]))
    monkeypatch.setattr(bootstrap.subprocess, "call", call)
    assert bootstrap.main(["contracts", "--check"]) == 3
    assert ran == [[".venv", ""], [str(ROOT / ".venv/bin/python"), "-m", "contracts.toolchain", "--check"]]


def test_an_unknown_command_shows_the_usage() -> None:
    assert subprocess.run([sys.executable, str(SCRIPT), "demos"], check=False, capture_output=True).returncode == 2


@pytest.mark.parametrize(("stamped", "extra", "installs"), [
    ("base", "", False), ("test", "", False), ("test", "test", False), ("base", "test", True), (None, "", True),
])  # fmt: skip
def test_only_a_changed_environment_is_installed_again(
    bootstrap: ModuleType, ran: list[list[str]], tmp_path: Path, *, stamped: str | None, extra: str, installs: bool
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    if stamped:
        (tmp_path / f".installed-{stamped}").write_text(bootstrap.fingerprint(bootstrap.version_text(sys.executable)))
    bootstrap.install(tmp_path, sys.executable, extra)
    assert bool(ran) is installs
    assert not any("venv" in command for command in ran)
    ran.clear()
    bootstrap.install(tmp_path, sys.executable, extra)
    assert ran == []


def test_third_party_packages_are_installed_by_digest_alone(
    bootstrap: ModuleType, ran: list[list[str]], tmp_path: Path
) -> None:
    executable(tmp_path / "bin/python", "3.10.1 (main)")
    bootstrap.install(tmp_path, sys.executable, "test")
    installs = [command for command in ran if "install" in command]
    assert len(installs) == 3
    for command in installs:
        assert "--no-deps" in command
        if "--require-hashes" not in command:
            own = [Path(after) for word, after in pairwise(command) if word == "-e"]
            assert own == [ROOT / "streams/faust-redis", ROOT / "api/astratrade-client", ROOT]


@pytest.mark.parametrize("digest", ["right", "wrong"])
def test_a_package_of_another_digest_is_refused(tmp_path: Path, digest: str) -> None:
    """The registry serves another file under the version that the lock names."""
    wheel = tmp_path / "served-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as files:
        files.writestr("served.py", "")
        files.writestr("served-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: served\nVersion: 1.0\n")
        files.writestr("served-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        files.writestr("served-1.0.dist-info/RECORD", "")
    true = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = tmp_path / "lock.txt"
    lock.write_text(f"served==1.0 --hash=sha256:{true if digest == 'right' else '0' * 64}\n")
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--find-links", str(tmp_path), "--no-deps"]
    command += ["--require-hashes", "-r", str(lock), "--target", str(tmp_path / "into"), "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is (digest == "right")
    assert ("DO NOT MATCH THE HASHES" in done.stderr) is (digest == "wrong")


def test_an_environment_of_another_python_is_recreated(
    bootstrap: ModuleType, ran: list[list[str]], tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    executable(tmp_path / "bin/python", "3.10.1 (main)")
    bootstrap.install(tmp_path, sys.executable, "test")
    assert ran[0][:3] == [sys.executable, "-m", "venv"]


def test_other_pythons_are_found_on_path_and_in_pyenv(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ".".join(map(str, sys.version_info[:2]))
    executable(tmp_path / "path/python3.17", "3.17.2 (main)")
    executable(tmp_path / "path/python3.18", "", status=127)
    for version in ("2.7.18", "3.10.4", "3.17.9", "3.18.0", here):
        executable(tmp_path / f"versions/{version}/bin/python3", f"{version} (main)")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    found = bootstrap.other_pythons()
    assert found == {(3, 17): "python3.17", (3, 18): str(tmp_path / "versions/3.18.0/bin/python3")}


@pytest.mark.parametrize(("arguments", "runs"), [
    (["test"], [(".venv", [])]),
    (["test", "--quick", "-k", "log"], [(".venv", ["--quick", "-k", "log"])]),
    (["test", "--all-pythons"], [(".venv", []), (".venv-3.17", ["--on-each-python"])]),
    (["test", "--quick", "--all-pythons"], [(".venv", ["--quick"]), (".venv-3.17", ["--on-each-python"])]),
])  # fmt: skip
def test_every_check_runs_and_a_failure_ends_the_script_with_its_status(
    bootstrap: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    runs: list[tuple[str, list[str]]],
) -> None:
    called: list[list[str]] = []
    failing: set[str] = set()

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        called.append(command)
        return subprocess.CompletedProcess(command, 3 if Path(command[0]).name in failing else 0, stdout="")

    installed: list[str] = []
    monkeypatch.setattr(bootstrap, "install", lambda venv, *_, **__: installed.append(venv.name))
    monkeypatch.setattr(bootstrap, "other_pythons", lambda: {(3, 17): "python3.17"})
    monkeypatch.setattr(bootstrap.os, "cpu_count", lambda: 3)
    monkeypatch.setattr(bootstrap.subprocess, "run", run)
    monkeypatch.setattr(bootstrap, "finish", lambda command, _: run(command).returncode)
    assert bootstrap.main(arguments) == 0
    assert sorted(installed) == [venv for venv, _ in runs], "two at a time"
    names = [Path(command[0]).name for command in called]
    assert names == ["ruff", "ruff", "mypy", *("pytest" for _ in runs)]
    for command, (venv, theirs) in zip(called[3:], runs, strict=True):
        assert Path(command[0]).parts[-3] == venv
        assert command[-len(theirs) :] == theirs or not theirs
        assert command[command.index("-n") + 1] == ("6" if venv == ".venv" else "3"), "most tests wait"
    for name in ("ruff", "mypy", "pytest"):
        failing.clear()
        failing.add(name)
        with pytest.raises(SystemExit) as ended:
            bootstrap.main(arguments)
        assert ended.value.code == 3


def test_processes_of_the_tests_keep_compiled_modules(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Otherwise each of some hundred processes compiles the project again."""
    given: list[dict[str, str]] = []
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(bootstrap, "finish", lambda _, environment: given.append(environment))
    bootstrap.run_tests(tmp_path, 2, [])
    assert "PYTHONDONTWRITEBYTECODE" not in given[0]


def test_an_interrupt_lets_the_tests_stop_their_servers(tmp_path: Path) -> None:
    """Use a child in place of pytest that takes a moment to end its servers."""
    child = (
        "import pathlib, time\n"
        "try:\n    pathlib.Path('began').touch(); time.sleep(60)\n"
        "except KeyboardInterrupt:\n    time.sleep(0.5); pathlib.Path('ended').touch()\n"
    )
    script = (
        f"import os, runpy, signal, sys\n"
        f"signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job inherits that it is ignored
        f"module = runpy.run_path({str(SCRIPT)!r}, run_name='bootstrap')\n"
        f"module['finish'].__globals__['ROOT'] = {str(tmp_path)!r}\n"
        f"module['finish']([sys.executable, '-c', {child!r}], dict(os.environ))\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        eventually((tmp_path / "began").exists, within_s=30, what="the child runs")
        run.send_signal(signal.SIGINT)
        run.wait(30)
    assert (tmp_path / "ended").exists()


def is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_tests_that_do_not_end_are_ended_with_their_servers_and_fail(tmp_path: Path) -> None:
    server = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)"
    child = (
        f"import pathlib, subprocess, sys; server = subprocess.Popen([sys.executable, '-c', {server!r}]); "
        f"pathlib.Path('server').write_text(str(server.pid)); {server}"
    )
    script = (
        f"import os, runpy, sys\n"
        f"module = runpy.run_path({str(SCRIPT)!r}, run_name='bootstrap')\n"
        f"module['finish'].__globals__.update(ROOT={str(tmp_path)!r}, TESTS_MAX_S=0.5, INTERRUPTED_GRACE_S=0.5)\n"
        f"module['finish']([sys.executable, '-c', {child!r}], dict(os.environ))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "the tests did not end within" in done.stderr
    server_pid = int((tmp_path / "server").read_text())
    eventually(lambda: not is_running(server_pid), within_s=10, what="the server is killed")


def test_a_failed_step_is_one_line_and_its_last_words(
    bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        bootstrap.quietly([sys.executable, "-c", "print('no such package'); raise SystemExit(3)"], "pip failed")
    assert capsys.readouterr().err.splitlines() == [
        "no such package",
        "bootstrap: pip failed (status 3; its last lines are above)",
    ]
