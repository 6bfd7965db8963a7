"""Run an older revision and the checkout beside each other under load, and compare every row with an oracle.

    python -m tests.versions --old c13590f --minutes 60

For each version one worker process runs all six domains, so each domain's partitions are divided between the versions.
The simulated community acts through the gateway. Workers are stopped and killed in turn, and gateway and relay change
between the versions. Exit status: 0 when every row is equal and both versions did work, 1 otherwise.
"""

# ruff: noqa: T201 - its purpose is to print

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tables.domains import TOPOLOGY
from tests.community.behaviour.life import DAY_US, MINUTE_US, ROUNDS, START_US, Life, Plan
from tests.community.compared.engine import rules
from tests.community.oracle import Community
from tests.community.run import SHOWN_MAX, different_rows
from tests.community.servers.backend import ServerBackend
from tests.community.servers.rows import dead_letters, stored_rows
from tests.source import ROOT
from tests.versions.changes import Changes, Say
from tests.versions.installation import NEW, OLD, VERSIONS, TwoVersions
from tests.versions.tree import UnknownRevisionError, unpack

JOINING_DAYS = 4
"""All people have joined after so many simulated days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run does.

    Attributes:
        old: The older revision.
        seconds: How long people act.
        every_s: Seconds from one change of a process to the next.
        round_s: Least seconds from one round of the community to the next; four are a simulated day.
    """

    old: str
    seconds: float
    users: int = 300
    every_s: float = 60.0
    round_s: float = 4.0
    seed: int = 1


DEFAULTS = Options(old="", seconds=3_600.0)


class TimedLife(Life):
    """A community that lives until a time, at a bounded pace."""

    async def live_until(self, end_s: float, round_s: float) -> None:
        """Live day after day until `time.monotonic()` is `end_s`, and then wait until nothing is pending."""
        day = 0
        while time.monotonic() < end_s:
            closed = sum(person.closed for person in self.town.people)
            self._register.let_in(self.plan.users + closed)  # others come in their place
            for number, minutes in enumerate(ROUNDS):
                began_s = time.monotonic()
                await self._live_round(START_US + day * DAY_US + minutes * MINUTE_US, day, number)
                await asyncio.sleep(max(0.0, round_s - (time.monotonic() - began_s)))
            self._told(day, len(self.town.people))
            day += 1
        await self._end(START_US + day * DAY_US)


def run(options: Options, say: Say) -> list[str]:
    """Run, and return what is wrong.

    Raises:
        UnknownRevisionError: there is no such older revision.
    """
    with tempfile.TemporaryDirectory(prefix="versions-") as text:
        directory = Path(text)
        trees = {OLD: unpack(options.old, directory / "old"), NEW: ROOT}
        with TwoVersions(directory / "run", trees) as installation:
            say("all processes are ready, two workers for each domain")
            return asyncio.run(_run(options, installation, say))


async def _run(options: Options, installation: TwoVersions, say: Say) -> list[str]:
    began_s = time.monotonic()
    async with ServerBackend(installation, options.seed) as backend:
        backend.faults = changes = Changes(installation, options.every_s, say)

        def told(day: int, people: int) -> None:
            if day % 5 == 0:
                say(f"{time.monotonic() - began_s:5.0f} s: {len(backend.journal):,} entries, {people} people so far")

        plan = Plan(users=options.users, days=JOINING_DAYS, seed=options.seed)
        await TimedLife(plan, backend, told).live_until(began_s + options.seconds, options.round_s)
        for version in VERSIONS:
            await installation.count_events(version)
        seconds = time.monotonic() - began_s
        say(f"refused by the gateway: {json.dumps(backend.refused, sort_keys=True)}")
        say(f"{len(backend.journal):,} entries in {seconds:.0f} s, {changes.counts.total()} changes of processes")
        return idle(installation, say) + await differing(installation, backend, say)


def idle(installation: TwoVersions, say: Say) -> list[str]:
    """Return a text for each version that processed nothing of a domain."""
    for version in VERSIONS:
        shares = ", ".join(f"{domain} {installation.events[version, domain]:,}" for domain in TOPOLOGY.names)
        say(f"the {version} workers processed: {shares}")
    return [
        f"the {version} workers processed nothing of {domain}"
        for version in VERSIONS
        for domain in TOPOLOGY.names
        if not installation.events[version, domain]
    ]


async def differing(installation: TwoVersions, backend: ServerBackend, say: Say) -> list[str]:
    """Return dead letters, and the rows that differ from the oracle's."""
    letters = await dead_letters(backend.log)
    oracle = Community(installation.partitions)
    oracle.apply_all(backend.journal)
    stored = await stored_rows(backend.log)
    different = different_rows(stored, oracle.rows(), rules(), oracle)
    say(f"{sum(len(rows) for rows in stored.values()):,} rows: {len(different)} differ; {letters} dead letters")
    return [f"{letters} messages became dead letters", *different] if letters else different


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parse = argparse.ArgumentParser(prog="python -m tests.versions", description="Run two versions side by side.")
    parse.add_argument("--old", required=True, metavar="REVISION", help="the older revision, as git names it")
    parse.add_argument("--minutes", type=float, default=60.0, metavar="N", help="how long (default: 60)")
    parse.add_argument("--users", type=int, default=DEFAULTS.users, metavar="N", help="people (default: %(default)s)")
    parse.add_argument(
        "--every", type=float, default=DEFAULTS.every_s, metavar="S", help="seconds between changes (%(default)s)"
    )
    parse.add_argument("--seed", type=int, default=DEFAULTS.seed, metavar="N", help="the seed (default: %(default)s)")
    return parse


def main(argv: list[str] | None = None) -> int:
    """Run, and report."""
    args = parser().parse_args(argv)
    options = Options(
        old=args.old, seconds=args.minutes * 60, users=args.users, every_s=args.every, seed=args.seed
    )  # fmt: skip
    try:
        failures = run(options, lambda line: print(line, flush=True))
    except UnknownRevisionError as exc:
        sys.exit(f"versions: {exc}")
    print("\n".join(failures[:SHOWN_MAX]) if failures else "equal")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
