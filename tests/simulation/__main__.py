"""Command line: `python -m tests.simulation --seeds 10000`."""

# ruff: noqa: T201 - its purpose is to print

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from functools import partial

from tests.simulation.brokers import has_several
from tests.simulation.defects import DEFECTS
from tests.simulation.resize_defects import RESIZE_DEFECTS
from tests.simulation.resizing import COMMAND_CRASHES, has_resize
from tests.simulation.shard_defects import SHARD_DEFECTS
from tests.simulation.world import FAULTS_OF_SHARDS, FORGOTTEN, FailedError, play

EPILOG = """\
examples:
  python -m tests.simulation --seeds 10000 --jobs 2      the closing run
  python -m tests.simulation --seed 182 --trace          one seed, step by step
  python -m tests.simulation --defect no_fence           which seed catches a planted defect

A seed is the whole story: the same seed plays the same way, on any machine. Exit status: 0 when every seed held (or the
planted defect was caught), 1 when one failed (or the defect was not caught), 2 for wrong arguments.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parse = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description="Play seeds of the protocol simulation: workers, a server and a network with every kind of fault.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parse.add_argument("--seeds", type=int, default=300, metavar="N", help="how many seeds to play (default: 300)")
    parse.add_argument("--from", type=int, default=0, dest="first", metavar="N", help="the first seed (default: 0)")
    parse.add_argument("--jobs", type=int, default=1, metavar="N", help="processes to play them in (default: 1)")
    parse.add_argument("--seed", type=int, metavar="N", help="play this one seed only")
    parse.add_argument("--trace", action="store_true", help="print every step of the seed (with --seed)")
    parse.add_argument(
        "--defect", choices=sorted(DEFECTS), metavar="NAME", help="plant a defect: " + ", ".join(DEFECTS)
    )
    return parse


def outcome(seed: int, defect: str | None = None) -> tuple[int, str | None, int, dict[str, int]]:
    """Play one seed; return its number, its failure if any, its steps and its faults."""
    try:
        world = play(seed, defect)
    except FailedError as exc:
        return seed, str(exc), 0, {}
    return seed, None, world.steps, world.faults


def seeds_for(defect: str | None, first: int, count: int) -> list[int]:
    """Return the seeds to play: for a defect of shards or of a resize, only the ones that have several, or a resize."""
    seeds = range(first, first + count)
    has = has_several if defect in SHARD_DEFECTS else has_resize if defect in RESIZE_DEFECTS else None
    return [seed for seed in seeds if has is None or has(seed)]


def _relax_collector() -> None:
    """Collect garbage less often: a seed leaves many cycles, and this makes a run a third faster."""
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)


def outcomes(seeds: list[int], jobs: int, defect: str | None) -> Iterator[tuple[int, str | None, int, dict[str, int]]]:
    """Yield the outcomes in the order of the seeds."""
    one = partial(outcome, defect=defect)
    if jobs == 1:
        yield from map(one, seeds)
        return
    with multiprocessing.Pool(jobs, _relax_collector) as pool:
        yield from pool.imap(one, seeds, chunksize=16)


def main(argv: list[str] | None = None) -> int:
    """Play the seeds and report."""
    args = parser().parse_args(argv)
    if args.trace and args.seed is None:
        parser().error("--trace needs --seed")
    if args.seed is not None:
        return _one(args.seed, args.defect, trace=args.trace)
    return _many(seeds_for(args.defect, args.first, args.seeds), args.jobs, args.defect)


def _one(seed: int, defect: str | None, *, trace: bool) -> int:
    try:
        world = play(seed, defect, print if trace else None)
    except FailedError as exc:
        print(f"seed {seed} failed: {exc}")
        return 1
    print(f"seed {seed} held: {world.steps} steps, faults {world.faults}")
    return 0


def _many(seeds: list[int], jobs: int, defect: str | None) -> int:
    _relax_collector()
    began = last_printed = time.monotonic()
    steps, failed, faults = 0, 0, dict.fromkeys((*FAULTS_OF_SHARDS, COMMAND_CRASHES, FORGOTTEN), 0)
    for number, (seed, reason, took, met) in enumerate(outcomes(seeds, jobs, defect), 1):
        steps += took
        for fault, times in met.items():
            faults[fault] += times
        if reason is not None:
            failed += 1
            again = f"python -m tests.simulation --seed {seed} --trace" + (f" --defect {defect}" if defect else "")
            print(f"seed {seed} failed: {reason}\n  replay: {again}", flush=True)
            if defect is not None:
                print(f"{defect}: caught by seed {seed}, the {number}. played")
                return 0
        if time.monotonic() - last_printed > 5 and os.isatty(sys.stdout.fileno()):
            last_printed = time.monotonic()
            print(f"  {number} of {len(seeds)} seeds, {number / (last_printed - began):.0f} a second", flush=True)
    seconds = time.monotonic() - began
    print(
        f"{len(seeds)} seeds in {seconds:.1f} s ({len(seeds) / seconds:.0f} a second, {jobs} jobs), "
        f"{steps} steps, faults {faults}: {failed} failed"
    )
    return 1 if failed or defect is not None else 0


if __name__ == "__main__":
    sys.exit(main())
