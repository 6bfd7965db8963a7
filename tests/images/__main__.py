"""Build the container image and run it: `python -m tests.images`. Needs podman or docker.

python -m tests.images              build, and run the tests of this folder on the image
python -m tests.images --check      before that, build twice from nothing, and compare the images
"""

import argparse
import os
import subprocess
import sys

from deploy import images
from tests.images import VARIABLE


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parse = argparse.ArgumentParser(prog="python -m tests.images", description="Build the container image and run it.")
    parse.add_argument("--check", action="store_true", help="build twice from nothing, and compare the images")
    return parse


def main(argv: list[str] | None = None) -> int:
    """Build and test; return the exit status."""
    arguments = parser().parse_args(argv)
    images.main(["--check"] if arguments.check else [])
    pytest = [sys.executable, "-m", "pytest", "-n", "0", "-s", "tests/images"]
    return subprocess.call(pytest, env={**os.environ, VARIABLE: images.TAG})


if __name__ == "__main__":
    sys.exit(main())
