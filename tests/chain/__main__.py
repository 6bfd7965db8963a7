"""The gate of the contracts: all their tests on a real Starknet node, by one command.

    python -m tests.chain [--steps N] [arguments for pytest]

The node is the one that DEVNET_URL names (a starknet-devnet that keeps its state archive), or `starknet-devnet` as
DEVNET_BIN names it, or where it is found: in the cache folder, on PATH, in `../shared/tools`. Where it is not found,
it and the Cairo compiler are built with cargo, one after the other: half an hour, once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from typing import Final

from contracts.toolchain.compiler import provide_compiler
from contracts.toolchain.tools import BuildError, provide
from tests.chain.budget import VARIABLE
from tests.chain.conftest import GATE, URL
from tests.support.devnet_tool import DEVNET

STEPS: Final = 50_000
TEST_MAX_S: Final = 4 * 3600
ALL: Final = ("tests/chain", "tests/unit/contracts")
HEAVY_TOO: Final = ("-m", "heavy or not heavy")


def main() -> int:
    """Run the gate and return its exit status."""
    options, pytest_arguments = parser().parse_known_args()
    began = time.monotonic()
    environment = os.environ | {VARIABLE: str(options.steps), GATE: "1"}
    try:
        if not os.environ.get(URL):
            environment[DEVNET.variable] = provide(DEVNET)
        provide_compiler()
    except BuildError as exc:
        say(str(exc))
        return 1
    say(f"{options.steps} steps on {os.environ.get(URL) or environment[DEVNET.variable]}")
    command = [sys.executable, "-m", "pytest", "-v", "-n", "0", "-o", f"timeout={TEST_MAX_S}", *HEAVY_TOO]
    code = subprocess.call([*command, *(pytest_arguments or ALL)], env=environment)
    say(f"{'passed' if code == 0 else 'FAILED'} after {time.monotonic() - began:.0f} s")
    return code


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options that are not pytest's."""
    made = argparse.ArgumentParser(prog="tests.chain", description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--steps", type=int, default=STEPS, help="steps of all state machines together")
    return made


def say(line: str) -> None:
    sys.stdout.write(f"chain: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
