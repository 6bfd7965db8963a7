"""Fuzz a whole installation by its OpenAPI description, as each kind of caller.

python -m tests.fuzz [--caller user] [--examples 50] [--seconds 120]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.run import CALLERS, Effort, FuzzedPipeline, fuzz, fuzz_feeds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--caller", choices=CALLERS, action="append", help="all when absent")
    parser.add_argument("--examples", type=int, default=50, help="generated requests of each operation")
    parser.add_argument("--seconds", type=int, default=120, help="time for each caller and each of three runs")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as directory, FuzzedPipeline(Path(directory), workers=1) as pipeline:
        generated = Effort("examples,coverage,fuzzing", options.examples, options.seconds)
        chained = Effort("stateful", options.examples, options.seconds)
        runs = (
            ("everything but feeds", fuzz, generated),
            ("chains of requests", fuzz, chained),
            ("feeds", fuzz_feeds, generated),
        )
        for caller in options.caller or CALLERS:
            for what, run, effort in runs:
                outcome = run(pipeline, caller, effort)
                failed += not outcome.passed
                verdict = "passed" if outcome.passed else "FAILED"
                sys.stdout.write(f"=== {caller}, {what}: {verdict}\n{outcome.report}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
