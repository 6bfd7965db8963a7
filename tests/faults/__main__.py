"""Command line: `python -m tests.faults --seeds 100`."""

# ruff: noqa: T201 - its purpose is to print

import argparse
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

from tests.faults.run import Outcome, Shape
from tests.faults.seeds import outcome, outcomes

EPILOG = """\
examples:
  python -m tests.faults --seeds 100              the short form, again and again
  python -m tests.faults --seed 17 --keep run     one seed, step by step; what it leaves stays in run/17
  python -m tests.faults --minutes 30 --seed 1    the long form: one run, fills and faults keep coming

A seed gives the script of faults. What comes of it also depends on the machine, so a seed that failed may need a few
attempts to fail again; its logs, data and story are kept. Exit status: 0 when every seed held, 1 when one failed.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parse = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description="Run the whole pipeline under seeded faults and compare all that it leaves with the oracle.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parse.add_argument("--seeds", type=int, default=20, metavar="N", help="how many seeds (default: 20)")
    parse.add_argument("--first", type=int, default=1, metavar="N", help="the first seed (default: 1)")
    parse.add_argument("--jobs", type=int, default=1, metavar="N", help="how many at a time (default: 1)")
    parse.add_argument("--seed", type=int, metavar="N", help="play only this seed, and print each step")
    parse.add_argument("--minutes", type=float, metavar="M", help="the long form, with --seed")
    parse.add_argument("--shards", type=int, default=1, metavar="N", help="brokers (default: 1)")
    parse.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep the files of all runs there, also of runs that held"
    )
    return parse


def main(argv: list[str] | None = None) -> int:
    """Play the seeds and report."""
    args = parser().parse_args(argv)
    if args.minutes is not None and args.seed is None:
        parser().error("--minutes needs --seed")
    shape = Shape(shards=args.shards) if args.minutes is None else Shape.long(args.minutes, args.shards)
    if args.seed is not None:
        played, directory = outcome(args.seed, shape, args.keep, is_printed=True)
        report(played, directory, is_printed=True)
        return 1 if played.failure else 0
    return many(range(args.first, args.first + args.seeds), args.jobs, partial(outcome, shape=shape, keep=args.keep))


def many(seeds: range, jobs: int, one: partial[tuple[Outcome, Path]]) -> int:
    """Play several seeds: print one line for each, then a summary."""
    began = time.monotonic()
    faults: Counter[str] = Counter()
    failed: list[int] = []
    for played, directory in outcomes(seeds, jobs, one):
        faults += played.faults
        report(played, directory, is_printed=False)
        if played.failure:
            failed.append(played.seed)
    seconds = time.monotonic() - began
    print(f"{len(seeds)} seeds in {seconds:.0f} s, {faults.total()} faults, {len(failed)} failed {failed or ''}")
    for kind, times in sorted(faults.items()):
        print(f"  {times:5d} {kind}")
    return 1 if failed else 0


def report(played: Outcome, directory: Path, *, is_printed: bool) -> None:
    """Print one line for a seed that held; else the script as it ran, the errors, and where to look."""
    kinds = ", ".join(f"{times} {kind}" for kind, times in sorted(played.faults.items()))
    print(f"seed {played.seed} {'FAILED' if played.failure else 'held'} in {played.seconds:.1f} s: {kinds}", flush=True)
    if played.failure:
        print("\n".join([*([] if is_printed else played.story), played.failure]))
        print(f"  logs, data and story: {directory}\n  again: python -m tests.faults --seed {played.seed}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
