"""`python -m tests.peers product`: run the product's job in other systems and ours, in turn; print the costs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.errors import DeployError
from tests.bench.machine import bare_loop, describe, lines
from tests.peers.environments import NotInstallableError, interpreter
from tests.peers.product.contestants import ALL_PEERS_DIFFER, CONTESTANTS, DIFFER, JOBS, Contestant, Job
from tests.peers.product.fills import SPANS, Span
from tests.peers.product.race import Load, race
from tests.peers.product.raced import Raced
from tests.peers.product.report import as_json, table
from tests.peers.race import RaceError

DESCRIPTION = """\
The product's job: fills become XP, levels, streaks, achievements, boards, fees, positions and events, and windows of
event time: candles of four intervals, hours of activity and of fees, days of users. The first job (--job first) has no
windows for the peers; ours does them always. Faust and Quix Streams do the first job only.

The same made fills of 300 users, of weeks and of one hour, in turn in ours and in what a user of another system would
write in an afternoon: one worker process each, on this machine, run by run.

The peers share the rules over dictionaries, and each adds its storage (tests/peers/product/apps). The results of each
run are compared with the oracle: progress of each user, all boards in order, fees, positions, sums of events, windows.

A core's fills count the CPU of worker and server together. Bytes kept are the server's: memory used of a Valkey,
resident memory of Tansu, files of PostgreSQL's tables and of noida-db. They include waiting fills that lie in the
server. Lines of code are a peer's app with the rules; ours are agents and tables, with much that no peer does."""

FILLS, RUNS = 10_000, 3
JOB_WORDS: dict[Job, str] = {"first": "the first job", "windows": "the job with windows"}

Say = Callable[[str], None]


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m tests.peers product",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known = [one.name for one in CONTESTANTS]
    parser.add_argument("names", nargs="*", help=f"who runs, by the beginning of a name (default: all of {known})")
    parser.add_argument("--job", choices=JOBS, default="windows", help="what the peers do (default: windows)")
    parser.add_argument("--fills", type=int, default=FILLS, help=f"measured fills of a run (default: {FILLS})")
    parser.add_argument("--span", choices=SPANS, action="append", help="time of the fills (default: both)")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"runs of each (default: {RUNS})")
    parser.add_argument("--seed", type=int, default=1, help="seed of the fills; each run takes the next (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every run here")
    parser.add_argument("--environments", type=Path, help="directory of the peers' environments")
    asked = parser.parse_args(arguments)
    if wrong := [name for name in asked.names if not chosen([name])]:
        parser.error(f"unknown contestants: {', '.join(wrong)}; there are {', '.join(known)}")
    return asked


def chosen(names: list[str]) -> list[Contestant]:
    """Return the contestants whose name begins with a given prefix; all of them when none is given."""
    return [one for one in CONTESTANTS if not names or one.name.startswith(tuple(names))]


def main(arguments: list[str], environments: Path, say: Say) -> int:
    """Race, and return the status: 1 when a contestant did not finish or had wrong results."""
    asked = parse(arguments)
    machine = describe()
    say("\n".join(lines(machine)))
    job: Job = asked.job
    taking_part = those_that_do(job, chosen(asked.names), say)
    pythons, failed, found = install(taking_part, asked.environments or environments, say), 0, {}
    for span in asked.span or SPANS:
        runs: dict[Contestant, list[Raced]] = {who: [] for who in pythons}
        for number in range(asked.runs):
            load = Load.made(job, span, asked.fills, asked.seed + number)
            say(f"run {number + 1}, fills of {_words(span)}: bare loop {bare_loop():,.0f} events/s")
            for who, python in pythons.items():
                try:
                    raced = race(who, python, load)
                except (RaceError, DeployError, AssertionError) as exc:
                    failed += 1
                    say(f"run {number + 1}, {who.name}: FAILED: {exc}")
                else:
                    runs[who].append(raced)
                    say(f"run {number + 1}, {who.name}: {raced.spent.events / raced.spent.wall_s:,.0f} fills/s")
        say("\n".join(["", f"{asked.fills:,} fills of {_words(span)}, {JOB_WORDS[job]}", "", *table(runs, job), ""]))
        found[span] = as_json(runs, job)
    say(f"{ALL_PEERS_DIFFER} {DIFFER[job]}")
    if asked.json:
        asked.json.write_text(
            json.dumps({**machine, "job": job, "fills": asked.fills, "contestants": found}, indent=2) + "\n"
        )
    return 1 if failed else 0


def those_that_do(job: Job, contestants: list[Contestant], say: Say) -> list[Contestant]:
    """Return the contestants that do a job, and name the others."""
    for who in contestants:
        if not who.does(job):
            say(f"{who.name} is left out: it does the first job only (--job first)")
    return [who for who in contestants if who.does(job)]


def install(contestants: list[Contestant], environments: Path, say: Say) -> dict[Contestant, Path]:
    """Return the interpreter of each contestant that can run here, and name the others."""
    found: dict[Contestant, Path] = {}
    for who in contestants:
        try:
            environment = who.environment
            found[who] = interpreter(environment, environments, say) if environment else Path(sys.executable)
        except NotInstallableError as exc:
            say(f"{who.name} is left out: {exc}")
    return found


def _words(span: Span) -> str:
    return "one hour" if span == "hour" else span
