"""Command line: `python -m tests.outbox --seeds 100`."""

# ruff: noqa: T201 - its purpose is to print

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import get_args

from tests.outbox.postgres import Postgres
from tests.outbox.run import Kind, Outcome, Run, Template


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parse = argparse.ArgumentParser(
        prog="python -m tests.outbox",
        description="Kill writers, relays, database and broker at random points; compare database and log.",
    )
    parse.add_argument("--seeds", type=int, default=20, metavar="N", help="how many seeds (default: 20)")
    parse.add_argument("--first", type=int, default=1, metavar="N", help="the first seed (default: 1)")
    parse.add_argument("--database", choices=(*get_args(Kind), "both"), default="both", help="default: both, in turn")
    parse.add_argument("--keep", type=Path, metavar="DIR", help="keep the files of all runs there")
    return parse


def main(argv: list[str] | None = None) -> int:
    """Play the seeds and report."""
    args = parser().parse_args(argv)
    began, faults, answers, failed = time.monotonic(), Counter[str](), Counter[int](), list[int]()
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres()) if args.database != "sqlite" else None
        template = Template(Path(stack.enter_context(tempfile.TemporaryDirectory())), postgres)
        for seed in range(args.first, args.first + args.seeds):
            kind: Kind = args.database if args.database != "both" else get_args(Kind)[seed % 2]
            outcome = play(seed, kind, template, args.keep)
            report(outcome)
            faults += outcome.faults
            answers += outcome.answers
            failed += [seed] if outcome.failure else []
    print(f"{args.seeds} seeds in {time.monotonic() - began:.0f} s, {answers.total()} requests, ", end="")
    print(f"{faults.total()} faults, {len(failed)} failed {failed or ''}")
    for name, times in sorted(faults.items()):
        print(f"  {times:5d} {name}")
    print("  answers: " + ", ".join(f"{times} {status or 'broken'}" for status, times in sorted(answers.items())))
    return 1 if failed else 0


def play(seed: int, kind: Kind, template: Template, keep: Path | None = None) -> Outcome:
    """Play one seed in a directory of its own."""
    with ExitStack() as stack:
        directory = keep / f"{kind}-{seed}" if keep else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        directory.mkdir(parents=True, exist_ok=True)
        outcome = Run(seed, kind, directory, template).play()
        (directory / "story.txt").write_text("\n".join([*outcome.story, outcome.failure]), "utf-8")
        return outcome


def report(outcome: Outcome) -> None:
    """Print one line for a seed, and the failure of one that failed with the command that plays it again."""
    kinds = ", ".join(f"{times} {name}" for name, times in sorted(outcome.faults.items()))
    verdict = "FAILED" if outcome.failure else "held"
    print(
        f"seed {outcome.seed} on {outcome.kind} {verdict} in {outcome.seconds:.1f} s: {outcome.users} users, "
        f"{outcome.answers.total()} requests, {outcome.orders} orders, {outcome.events} events: {kinds}",
        flush=True,
    )
    if outcome.failure:
        print("\n".join(f"  {line}" for line in outcome.story))
        print(f"  {outcome.failure[:6_000]}", flush=True)
        again = f"--first {outcome.seed} --seeds 1 --database {outcome.kind} --keep DIR"
        print(f"  play it again: python -m tests.outbox {again}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
