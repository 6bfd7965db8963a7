"""Command line: `python -m tests.faults --seeds 100`."""

# ruff: noqa: T201 - its purpose is to print

import argparse
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.faults.run import Outcome, Shape, play

EPILOG = """\
examples:
  python -m tests.faults --seeds 100              the short form, again and again
  python -m tests.faults --seed 17 --keep run     one seed, step by step; what it leaves stays in run/17
  python -m tests.faults --minutes 30 --seed 1    the long form: one run, fills and faults keep coming

A seed gives the script of faults. What comes of it also depends on the machine, so a seed that failed may need a few
attempts to fail again; its logs, data and story are kept. Exit status: 0 when every seed held, 1 when one failed.
"""


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    parse = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description="Run the whole pipeline under seeded faults and compare all that it leaves with the oracle.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parse.add_argument("--seeds", type=int, default=20, metavar="N", help="how many seeds (default: 20)")
    parse.add_argument("--first", type=int, default=1, metavar="N", help="the first of them (default: 1)")
    parse.add_argument("--jobs", type=int, default=1, metavar="N", help="how many at a time (default: 1)")
    parse.add_argument("--seed", type=int, metavar="N", help="this one only, told step by step")
    parse.add_argument("--minutes", type=float, metavar="M", help="the long form, with --seed")
    parse.add_argument("--keep", type=Path, metavar="DIR", help="keep what runs leave there, also of those that held")
    return parse


def directory_of(seed: int, keep: Path | None) -> Path:
    """An empty directory for a run."""
    if keep is None:
        return Path(tempfile.mkdtemp(prefix=f"astra-faults-{seed}-"))
    directory = keep.absolute() / str(seed)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def outcome(seed: int, shape: Shape, keep: Path | None, *, told: bool = False) -> tuple[Outcome, Path]:
    """Play one seed. What a run that held leaves is removed unless it is to be kept."""
    directory = directory_of(seed, keep)
    came = play(seed, shape, directory, _print if told else lambda _: None)
    if came.failure is None and keep is None:
        shutil.rmtree(directory)
    return came, directory


def outcomes(seeds: range, jobs: int, one: "partial[tuple[Outcome, Path]]") -> Iterator[tuple[Outcome, Path]]:
    """As they come."""
    if jobs == 1:
        yield from map(one, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(one, seeds)


def main(argv: list[str] | None = None) -> int:
    """Play and report."""
    args = parser().parse_args(argv)
    if args.minutes is not None and args.seed is None:
        parser().error("--minutes needs --seed")
    shape = Shape() if args.minutes is None else Shape.long(args.minutes)
    if args.seed is not None:
        came, directory = outcome(args.seed, shape, args.keep, told=True)
        report(came, directory, told=True)
        return 1 if came.failure else 0
    return many(range(args.first, args.first + args.seeds), args.jobs, partial(outcome, shape=shape, keep=args.keep))


def many(seeds: range, jobs: int, one: "partial[tuple[Outcome, Path]]") -> int:
    """One line a seed, then the sum."""
    began = time.monotonic()
    faults: Counter[str] = Counter()
    failed: list[int] = []
    for came, directory in outcomes(seeds, jobs, one):
        faults += came.faults
        report(came, directory, told=False)
        if came.failure:
            failed.append(came.seed)
    seconds = time.monotonic() - began
    print(f"{len(seeds)} seeds in {seconds:.0f} s, {faults.total()} faults, {len(failed)} failed {failed or ''}")
    for kind, times in sorted(faults.items()):
        print(f"  {times:5d} {kind}")
    return 1 if failed else 0


def report(came: Outcome, directory: Path, *, told: bool) -> None:
    """One line when it held; else the script as it happened, what is wrong, and where to look."""
    kinds = ", ".join(f"{times} {kind}" for kind, times in sorted(came.faults.items()))
    print(f"seed {came.seed} {'FAILED' if came.failure else 'held'} in {came.seconds:.1f} s: {kinds}", flush=True)
    if came.failure:
        print("\n".join([*([] if told else came.story), came.failure]))
        print(f"  logs, data and story: {directory}\n  again: python -m tests.faults --seed {came.seed}", flush=True)


def _print(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
