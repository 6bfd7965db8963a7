"""Compile a contract to a Sierra and a CASM class."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contracts.toolchain import tools
from contracts.toolchain.corelib import find_corelib, provide_corelib
from contracts.toolchain.tools import BuildError, Tool

SOURCES: Final = Path(__file__).parents[1] / "cairo"
CRATE: Final = "astratrade"
TO_SIERRA: Final = Tool(
    name="starknet-compile",
    version="2.8.2",
    crate_sha256="ad5814207997da9667d383eb010c15f55bde6c4f2a60c9c7f5f4f6f61ed9689a",
    variable="STARKNET_COMPILE",
    minutes=6,
)
TO_CASM: Final = Tool(
    name="starknet-sierra-compile",
    version="2.8.2",
    crate_sha256="61dd24cc7bc64e69bb6cbceebdc0f980714dbabeb5691c3bc1cb980427cee035",
    variable="STARKNET_SIERRA_COMPILE",
    minutes=2,
)
PROJECT: Final = "cairo_project.toml"
_IMPORT: Final = re.compile(r"\bcrate::(\w+(?:::\w+)*)")
_CONTRACT: Final = re.compile(r"^#\[starknet::contract\]\s*pub mod (\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Contract:
    """A contract of the sources.

    Attributes:
        name: The name of its module.
        file: The path of its source from the folder of the sources.
    """

    name: str
    file: str

    @property
    def path(self) -> str:
        """The path of its module, as Cairo writes it."""
        return "::".join([CRATE, *Path(self.file).with_suffix("").parts, self.name])

    @property
    def for_tests(self) -> bool:
        """Whether only tests use it."""
        return self.file.startswith("testing/")


@dataclass(frozen=True)
class Compiler:
    """The two programs.

    Attributes:
        to_sierra: The path of the first.
        to_casm: The path of the second.
        corelib: The folder that leads the first to its core library.
        options: Options of the first.
    """

    to_sierra: str
    to_casm: str
    corelib: Path
    options: tuple[str, ...] = ()

    def compile(self, contract: Contract, sources: Mapping[str, str]) -> tuple[str, str]:
        """Return the Sierra and the CASM class, as JSON without white space.

        Raises:
            BuildError: the compiler refused the sources, or warned.
        """
        with tempfile.TemporaryDirectory(prefix="cairo-") as directory:
            sierra, casm = Path(directory) / "sierra.json", Path(directory) / "casm.json"
            write(sources, Path(directory) / "sources")
            self._run(self.to_sierra, *self.options, "-c", contract.path, str(Path(directory) / "sources"), str(sierra))
            self._run(self.to_casm, str(sierra), str(casm))
            return compact(json.loads(sierra.read_text("utf-8"))), compact(json.loads(casm.read_text("utf-8")))

    def compile_once(self, contract: Contract, sources: Mapping[str, str]) -> tuple[str, str]:
        """Compile, unless the cache folder has what the same tools made of the sources that the contract uses."""
        made_of = [contract.path, TO_SIERRA.version, used_by(contract, sources)]
        digest = hashlib.sha256(compact(made_of).encode()).hexdigest()
        kept = tools.cache() / "classes" / f"{contract.name}-{digest[:32]}.json"
        if not kept.is_file():
            made = compact(self.compile(contract, sources))
            kept.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=kept.parent, delete=False) as file:
                file.write(made)
            Path(file.name).rename(kept)
        sierra, casm = json.loads(kept.read_text("utf-8"))
        return sierra, casm

    def _run(self, *command: str) -> None:
        environment = {**os.environ, "CARGO_MANIFEST_DIR": str(self.corelib)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            said = (done.stdout + done.stderr).partition("Stack backtrace")[0]
            raise BuildError(f"{Path(command[0]).name} failed:\n{said.strip()}")


def find_compiler() -> Compiler | None:
    """Return the compiler where its programs are found; at most the core library is downloaded.

    Raises:
        BuildError: an environment variable names another version, or the library cannot be had.
    """
    to_sierra, to_casm = tools.find(TO_SIERRA), tools.find(TO_CASM)
    if to_sierra is None or to_casm is None:
        return None
    return Compiler(to_sierra, to_casm, find_corelib() or provide_corelib())


def provide_compiler() -> Compiler:
    """Return the compiler; build its programs one after the other where they are not found.

    Raises:
        BuildError: something is missing for it.
    """
    return Compiler(tools.provide(TO_SIERRA), tools.provide(TO_CASM), provide_corelib())


def read_sources(folder: Path = SOURCES) -> dict[str, str]:
    """Return the text of every source by its path in the folder."""
    files = [*folder.rglob("*.cairo"), folder / PROJECT]
    return {file.relative_to(folder).as_posix(): file.read_text("utf-8") for file in sorted(files)}


def contracts_of(sources: Mapping[str, str]) -> list[Contract]:
    """Return the contracts in the order of their names."""
    found = [Contract(name, file) for file, text in sources.items() for name in _CONTRACT.findall(text)]
    return sorted(found, key=lambda contract: contract.name)


def used_by(contract: Contract, sources: Mapping[str, str]) -> dict[str, str]:
    """Return the sources that a contract imports, directly or not, and the settings of the project."""
    found, todo = {PROJECT}, [contract.file]
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo += [each for path in _IMPORT.findall(sources[file]) for each in _files_of(path, sources)]
    return {file: sources[file] for file in sorted(found)}


def _files_of(path: str, sources: Mapping[str, str]) -> list[str]:
    """Return the file of an imported path, and all files below it when it is a folder of modules."""
    parts = path.split("::")
    for length in range(len(parts), 0, -1):
        module = "/".join(parts[:length])
        if f"{module}.cairo" in sources:
            return [file for file in sources if file == f"{module}.cairo" or file.startswith(f"{module}/")]
    raise BuildError(f"crate::{path} is no module of the sources")


def write(sources: Mapping[str, str], folder: Path) -> None:
    """Write sources into a folder."""
    for path, text in sources.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")


def compact(value: Any) -> str:
    """Return JSON without white space."""
    return json.dumps(value, separators=(",", ":"))
