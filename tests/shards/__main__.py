"""Run the contract and oracle suites on several shards, by one command.

    python -m tests.shards [--shards 3] [arguments for pytest]

Contract tests run their apps as workers of one shard of the namespace, which is spread over so many. Tests of the whole
product start so many brokers, each with workers of its own, and compare what the API serves with the oracle.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.shards.chosen import VARIABLE

WHERE = (
    "tests/contract",
    "tests/testing/test_product.py",
    "tests/e2e/test_equals_the_oracle.py",
    "tests/e2e/test_shards.py",
)
ALL = ("-m", "not kafka")


def main(argv: list[str] | None = None) -> int:
    """Run the suites and return the status of pytest."""
    parse = argparse.ArgumentParser(prog="python -m tests.shards", description="Run suites on several shards.")
    parse.add_argument("--shards", type=int, default=3, metavar="N", help="shards (default: 3)")
    args, more = parse.parse_known_args(argv)
    began = time.monotonic()
    beside_python = str(Path(sys.executable).parent)  # The directory of the `faust` command.
    environment = {**os.environ, "PATH": os.pathsep.join([beside_python, os.environ.get("PATH", os.defpath)])}
    environment[VARIABLE] = str(args.shards)
    code = subprocess.call([sys.executable, "-m", "pytest", *ALL, *(more or WHERE)], env=environment)
    sys.stdout.write(f"shards: {'passed' if code == 0 else 'FAILED'} after {time.monotonic() - began:.0f} s\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
