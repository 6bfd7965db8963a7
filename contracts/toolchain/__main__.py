"""Compile the contracts; with `--check`, compare the committed classes with the sources instead."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from contracts.toolchain import artifacts
from contracts.toolchain.compiler import Compiler, contracts_of, find_compiler, provide_compiler, read_sources
from contracts.toolchain.tools import BuildError


def main(arguments: list[str], folder: Path = artifacts.FOLDER) -> int:
    """Run the command on the classes of a folder and return its exit status."""
    parser = argparse.ArgumentParser(prog="contracts", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare the committed classes with the sources")
    options = parser.parse_args(arguments)
    try:
        return check(folder) if options.check else build(folder)
    except BuildError as exc:
        say(str(exc))
        return 1


def build(folder: Path) -> int:
    """Compile everything into a folder."""
    began = time.monotonic()
    compiler = provide_compiler()
    say("compiling; each contract takes about 15 s the first time")
    contracts = artifacts.build(compiler, folder)
    say(f"built {len(contracts)} contracts in {time.monotonic() - began:.0f} s: {', '.join(c.name for c in contracts)}")
    return 0


def check(folder: Path) -> int:
    """Compare digests and class hashes; compile again where the compiler is found."""
    compiler = find_compiler()
    found = artifacts.differences(folder) or (recompile(compiler, folder) if compiler else [])
    for difference in found:
        say(difference)
    if found:
        say("run: python3 deploy/bootstrap.py contracts")
        return 1
    say("the classes match the sources, " + ("byte for byte" if compiler else "by their digests; no compiler is here"))
    return 0


def recompile(compiler: Compiler, folder: Path) -> list[str]:
    """Return the differences of all contracts."""
    contracts = contracts_of(read_sources())
    return [line for contract in contracts for line in artifacts.recompiled_differences(compiler, contract, folder)]


def say(text: str) -> None:
    """Print a line of progress."""
    sys.stderr.write(f"contracts: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
