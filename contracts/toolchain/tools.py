"""Find a program that is a crate, or build it with cargo.

A program is looked for where its environment variable says, in our cache folder, on PATH, and, packed, in a folder
`../shared/tools` beside the checkout. A build takes minutes; its result stays in the cache folder, by version.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKED: Final = ROOT.parent / "shared" / "tools"
"""A folder beside the checkout that may hold packed programs, `NAME.xz`, and their digests."""
REPORT_EVERY_S: Final = 20.0
OUTPUT_LINES: Final = 15
PROFILE: Final = {"LTO": "off", "CODEGEN_UNITS": "16", "DEBUG": "0", "OPT_LEVEL": "1", "STRIP": "true"}
"""Compile fast rather than for speed: each program runs for seconds."""


class BuildError(Exception):
    """A tool is missing and cannot be built, or it failed."""


@dataclass(frozen=True)
class Tool:
    """A program of a crate.

    Attributes:
        name: The name of the program and of its crate.
        version: The exact version.
        crate_sha256: The digest of the crate's archive. Its lock file has those of everything that it depends on.
        variable: The environment variable that may name the program.
        minutes: About how long two cores build it.
    """

    name: str
    version: str
    crate_sha256: str
    variable: str
    minutes: int


def cache() -> Path:
    """Return the folder in which built programs and classes are kept for later runs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "astratrade-chain"


def find(tool: Tool) -> str | None:
    """Return the path of a program without building it, or None.

    Raises:
        BuildError: the environment variable names another version.
    """
    named = os.environ.get(tool.variable)
    if named:
        if not _is_right(tool, named):
            raise BuildError(f"{tool.variable} does not name {tool.name} {tool.version}")
        return named
    for candidate in (str(_kept(tool)), shutil.which(tool.name)):
        if candidate and _is_right(tool, candidate):
            return candidate
    return _unpacked(tool)


def provide(tool: Tool) -> str:
    """Return the path of a program; build it where it is not found.

    Raises:
        BuildError: there is no cargo, it failed, or the crate is not the one that we know.
    """
    return find(tool) or _build(tool)


def _kept(tool: Tool) -> Path:
    return cache() / f"{tool.name}-{tool.version}" / "bin" / tool.name


def _is_right(tool: Tool, program: str) -> bool:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return False
    return done.stdout.split() == [tool.name, tool.version]


def _unpacked(tool: Tool) -> str | None:
    """Unpack a program of the folder beside the checkout into the cache, if the digests there agree."""
    archive, sums = PACKED / f"{tool.name}.xz", PACKED / "SHA256SUMS"
    if not archive.is_file() or not sums.is_file():
        return None
    digests = {name: digest for digest, name in (line.split() for line in sums.read_text("utf-8").splitlines())}
    program = lzma.decompress(archive.read_bytes())
    if hashlib.sha256(program).hexdigest() != digests.get(tool.name):
        return None
    _kept(tool).parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=_kept(tool).parent, delete=False) as file:
        file.write(program)
    Path(file.name).chmod(0o755)
    Path(file.name).rename(_kept(tool))
    return str(_kept(tool)) if _is_right(tool, str(_kept(tool))) else None


def _build(tool: Tool) -> str:
    cargo = shutil.which("cargo")
    if cargo is None:
        raise BuildError(f"{tool.name} {tool.version} was not found, and there is no cargo to build it")
    target = cache() / f"{tool.name}-{tool.version}"
    target.mkdir(parents=True, exist_ok=True)
    work = cache() / f".building-{tool.name}"
    command = [cargo, "install", tool.name, "--version", tool.version, "--locked", "--force", "--root", str(work)]
    environment = {f"CARGO_PROFILE_RELEASE_{name}": value for name, value in PROFILE.items()}
    environment |= {**os.environ, "CARGO_TARGET_DIR": str(work / "target")}
    _say(f"building {tool.name} {tool.version} with cargo; this takes about {tool.minutes} minutes once")
    _run(command, environment, tool)
    _check_crate(tool)
    _kept(tool).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(work / "bin" / tool.name, _kept(tool))
    shutil.rmtree(work)
    return str(_kept(tool))


def _run(command: list[str], environment: dict[str, str], tool: Tool) -> None:
    """Run cargo, and say every while how many crates it has compiled."""
    began = time.monotonic()
    with tempfile.NamedTemporaryFile("r", errors="replace") as log, Path(log.name).open("w") as output:
        with subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process:  # noqa: S603
            while _runs(process):
                compiled = log.read().count("Compiling ")
                log.seek(0)
                _say(f"{time.monotonic() - began:5.0f} s  {tool.name}: {compiled} crates")
        if process.returncode:
            lines = log.read().splitlines()[-OUTPUT_LINES:]
            raise BuildError("\n".join([*lines, f"building {tool.name} {tool.version} failed"]))


def _runs(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(REPORT_EVERY_S)
    except subprocess.TimeoutExpired:
        return True
    return False


def _check_crate(tool: Tool) -> None:
    """Refuse a program whose crate is not the one that we know. Cargo itself checks what the crate depends on."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    crates = list((home / "registry" / "cache").glob(f"*/{tool.name}-{tool.version}.crate"))
    if not any(hashlib.sha256(crate.read_bytes()).hexdigest() == tool.crate_sha256 for crate in crates):
        raise BuildError(f"the crate of {tool.name} {tool.version} is not the one that we know")


def _say(text: str) -> None:
    sys.stderr.write(f"contracts: {text}\n")
    sys.stderr.flush()
