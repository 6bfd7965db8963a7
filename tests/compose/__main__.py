"""Bring up deploy/compose.yaml on this machine: `python -m tests.compose`.

    python -m tests.compose            bring all up, run the tests of this folder on it, and remove all
    python3 -m tests.compose --up      bring all up, and leave it running
    python3 -m tests.compose --down    stop what --up started, and delete its data

Needs podman or docker. Where no image registry can be reached, it makes the images of the servers from packages, and
says which. `--up` and `--down` need only the standard library.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence

from deploy import images
from tests.compose import VARIABLE
from tests.compose.installation import URL, Installation, taken
from tests.compose.podman import say

PROJECT, TESTED = "astratrade", "astratrade-test"


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parse = argparse.ArgumentParser(prog="python -m tests.compose", description="Bring up deploy/compose.yaml.")
    only = parse.add_mutually_exclusive_group()
    only.add_argument("--up", action="store_true", help="bring all up, and leave it running")
    only.add_argument("--down", action="store_true", help="stop what --up started, and delete its data")
    parse.add_argument("--chain", action="store_true", help="with --up: also a devnet, the indexer and settlement")
    return parse


def up(*, chain: bool) -> None:
    """Bring all up for a person."""
    installation = Installation(PROJECT, chain=chain)
    say(f"ready after {installation.up():.0f} s; the dashboard is at {URL}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run; return the exit status."""
    arguments = parser().parse_args(argv)
    if arguments.down:
        Installation(PROJECT, chain=True).down("--volumes")
        return 0
    if ports := taken():
        sys.exit(f"compose: something listens at {', '.join(map(str, ports))} already")
    images.main([])
    if arguments.up:
        up(chain=arguments.chain)
        return 0
    pytest = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "0",
        "-p",
        "no:randomly",
        "-s",
        "-o",
        "timeout=1200",
        "tests/compose",
    ]
    return subprocess.call(pytest, env={**os.environ, VARIABLE: TESTED})


if __name__ == "__main__":
    sys.exit(main())
