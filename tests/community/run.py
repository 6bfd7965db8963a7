"""One run of the community: let it live on real processes, compare every row with the oracle, and check its log."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from deploy.broker import log_of
from tables.accounts import TRANSIT
from tables.domains import TOPOLOGY
from tests.community import journal
from tests.community.behaviour.life import START_US, Life, Plan
from tests.community.compared.engine import MISSING, Rules, Stored, StoredRow, differences, project, rules
from tests.community.compared.ties import without_ties
from tests.community.invariants import broken
from tests.community.journal import Entry
from tests.community.oracle import Community
from tests.community.oracle.crossing import Rows
from tests.community.placed import misplaced
from tests.community.servers.again import Recorded, built, play_again, recorded
from tests.community.servers.backend import ServerBackend
from tests.community.servers.faults import MANY, Faults
from tests.community.servers.growth import Growth
from tests.community.servers.installation import ALL_TOGETHER, EACH_ALONE, Installation
from tests.community.servers.lineage_check import choose, histories, listed_by_command, wrong_causes, wrong_pasts
from tests.community.servers.quiet import Quiet
from tests.community.servers.ranks import wrong_ranks
from tests.community.servers.rows import all_events, dead_letters, events_in, stored_rows

SHOWN_MAX = 20
COMMANDS_CHECKED = 3
"""For so many of the chosen rows, `astratrade why` itself is run."""
RANKINGS_CHECKED = 100
FAULTS_LEASE_MS = 1_500
LEASE_MS = 10_000

Say = Callable[[str], None]


PARTITIONS = 4
PARTITIONS_A_SHARD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run does.

    Attributes:
        plan: How the community lives.
        faults: The chance that a process is killed or paused in a step; `faults_max` limits their number.
        twice: Whether the journal is played once more, by one process that runs all domains.
        replay: Whether the log's inputs are copied into an empty installation.
        why: For how many rows the causes are compared.
        at: For how many rows an earlier position is compared.
        together: Whether one worker process runs all domains.
        shards: How many brokers share the partitions. Each has worker processes of its own.
        resize: How many partitions the topics get after half of the days; 0 to keep their number.
        keep: Where the journal stays.
    """

    plan: Plan
    faults: float = 0.0
    faults_max: int = MANY
    twice: bool = False
    replay: bool = False
    why: int = 0
    at: int = 0
    together: bool = False
    shards: int = 1
    resize: int = 0
    keep: Path | None = None


@dataclass(slots=True)
class Outcome:
    """What a run found. It held if `failures` is empty."""

    failures: list[str] = field(default_factory=list)
    journal: list[Entry] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    stored: dict[str, list[StoredRow]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    records: Recorded = field(default_factory=dict)
    partitions: int = PARTITIONS
    resized_at: int | None = None
    """How long the journal was when topics got more partitions, if they did."""


def live(options: Options, directory: Path, say: Say) -> Outcome:
    """Let a community live, then compare and check. `directory` must be empty."""
    lease_ms = FAULTS_LEASE_MS if options.faults else LEASE_MS
    services = ALL_TOGETHER if options.together else EACH_ALONE
    with Installation(
        directory,
        start_at=START_US,
        lease_ms=lease_ms,
        services=services,
        shards=options.shards,
        partitions=PARTITIONS if options.shards == 1 else PARTITIONS_A_SHARD * options.shards,
    ) as installation:
        return asyncio.run(_live(options, installation, say))


async def _live(options: Options, installation: Installation, say: Say) -> Outcome:
    async with ServerBackend(installation, options.plan.seed) as backend:
        outcome = await _lived(options, installation, backend, say)
        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
            journal.write(options.keep / "journal.jsonl", outcome.journal)
        await _check(options, installation, backend, outcome, say)
        if options.replay:
            outcome.records = await recorded(backend.log, outcome.journal)
    return outcome


async def _lived(options: Options, installation: Installation, backend: ServerBackend, say: Say) -> Outcome:
    began = time.monotonic()
    faults = Faults(installation, options.plan.seed, options.faults, options.faults_max)
    if options.faults:
        backend.faults = faults

    growth = Growth(installation, options.resize, options.plan.seed)
    if options.resize:
        backend.growth = growth

    def told(day: int, people: int) -> None:
        growth.due = growth.due or day + 1 >= options.plan.days // 2
        say(
            f"day {day + 1} of {options.plan.days}: {people} people, {len(backend.journal)} entries, "
            f"{time.monotonic() - began:.0f} s"
        )

    await Life(options.plan, backend, told).live()
    outcome = Outcome(journal=backend.journal, steps=backend.steps, faults=faults.counts)
    if options.resize:
        outcome.partitions, outcome.resized_at = options.resize, growth.length
        if growth.length is None:
            outcome.failures.append(f"the topics were not resized by {growth.tries} runs of the command")
        say(f"resized after {growth.tries} runs; {growth.late} commands were sent when topics had closed")
    else:
        outcome.partitions = installation.partitions
    outcome.stored = await stored_rows(backend.log)
    outcome.figures = await _figures(options, backend, time.monotonic() - began, outcome.stored)
    if refused := backend.refused:
        say(f"refused by the gateway: {json.dumps(refused, sort_keys=True)}")
    return outcome


async def _figures(options: Options, backend: ServerBackend, seconds: float, stored: Stored) -> dict[str, float]:
    memory = sum([int((await shard.redis.info("memory"))["used_memory"]) for shard in backend.log.shards])
    rows = sum(len(list(found)) for found in stored.values())
    stored_bytes = sum(
        len(one.row if isinstance(one.row, bytes) else one.row.dump()) for t in stored.values() for one in t
    )
    return {
        "entries": len(backend.journal),
        "events": await events_in(backend.log, TOPOLOGY.topics),
        "seconds": round(seconds, 1),
        "seconds of waiting": round(backend.quiet.waited_s, 1),
        "rows": rows,
        "bytes of rows per user": stored_bytes // options.plan.users,
        "bytes of broker memory per user": memory // options.plan.users,
    }


async def _check(
    options: Options, installation: Installation, backend: ServerBackend, outcome: Outcome, say: Say
) -> None:
    if letters := await dead_letters(backend.log):
        outcome.failures.append(f"{letters} messages became dead letters")
    say(f"upgrade --check: {installation.run('upgrade', '--check').splitlines()[-1]}")
    wrong = misplaced(outcome.stored, outcome.partitions)
    say(f"compared the partition of each row with that of its key: {len(wrong)} differ")
    outcome.failures += wrong
    if not options.together:
        say(installation.run("audit", "ledger").splitlines()[-1])
    if options.plan.crowded:
        breaches = broken(outcome.stored, await all_events(backend.log))
        say(f"checked what always holds: {len(breaches)} breaches")
        outcome.failures += breaches
        return
    by, oracle = rules(), Community(installation.partitions)
    began = time.monotonic()
    if outcome.resized_at is not None:
        oracle.apply_all(outcome.journal[: outcome.resized_at])
        oracle.divide(outcome.partitions)
    oracle.apply_all(outcome.journal[outcome.resized_at or 0 :])
    outcome.failures += different_rows(outcome.stored, oracle.rows(), by, oracle)
    say(f"compared with the oracle in {time.monotonic() - began:.1f} s: {len(outcome.failures)} rows differ")
    random = Random(f"ranks {options.plan.seed}")
    wrong = [text async for text in wrong_ranks(backend.tables, oracle, RANKINGS_CHECKED, random)]
    say(f"compared {RANKINGS_CHECKED} rankings: {len(wrong)} differ")
    outcome.failures += wrong
    if options.why or options.at:
        await _check_lineage(options, installation, backend, outcome, (by, oracle), say=say)


def different_rows(stored: Stored, rows: Rows, by: Rules, oracle: Community) -> list[str]:
    """Return a text for each row that differs from the oracle's, with the entries behind it."""
    found = []
    for one in without_ties(differences(stored, rows, by), rows):
        if one.key.startswith(TRANSIT) and (one.product, one.oracle) == ({"amount": 0}, MISSING):
            continue  # nothing is in transit from a partition to its children
        behind = _behind(oracle, one.table, one.key) if one.key in rows.get(one.table, {}) else []
        found.append(f"{one.text()}\n  entries behind it: {behind[-5:]}" if behind else one.text())
    return found


def _behind(oracle: Community, table: str, key: str) -> list[str]:
    """Return the entries behind a row, as far as the oracle names them."""
    try:
        return sorted(oracle.folded(table, key))
    except KeyError:
        return []


async def _check_lineage(
    options: Options,
    installation: Installation,
    backend: ServerBackend,
    outcome: Outcome,
    expected: tuple[Rules, Community],
    *,
    say: Say,
) -> None:
    by, oracle = expected
    random = Random(f"lineage {options.plan.seed}")
    chosen = choose(outcome.stored, oracle, by, max(options.why, options.at), random)
    found = await histories(backend.log, chosen, say)
    outcome.failures += wrong_causes(chosen[: options.why], found, oracle)
    outcome.failures += await wrong_pasts(backend.log, chosen[: options.at], found, random)
    for one in chosen[: min(options.why, COMMANDS_CHECKED)]:
        listed, folded = listed_by_command(installation, one), [event.id for event in found[one.place].events]
        if listed != folded:
            outcome.failures.append(f"`astratrade why {one.table} {one.row.key}` lists {listed}, expected {folded}")


def again(outcome: Outcome, directory: Path, *, copied: bool, say: Say) -> list[str]:
    """Play a run again in an empty installation; return the rows that are not the same.

    Args:
        outcome: The run.
        directory: An empty directory.
        copied: Copy the records of the run's log to six services; else build its events anew, for one process.
        say: Prints a line.
    """
    began, services = time.monotonic(), EACH_ALONE if copied else ALL_TOGETHER
    with Installation(directory, start_at=START_US, services=services, gateway=False) as installation:
        records = outcome.records if copied else built(outcome.journal, installation.partitions)
        stored, letters = asyncio.run(_again(installation, outcome, records))
    failures = unlike(outcome.stored, stored)
    if letters:
        failures.append(f"{letters} messages became dead letters when the run was played again")
    say(f"played again in {time.monotonic() - began:.0f} s: {len(failures)} rows differ")
    return failures


async def _again(installation: Installation, outcome: Outcome, records: Recorded) -> tuple[Stored, int]:
    settings = installation.settings
    async with log_of(settings) as log:
        await play_again(log, Quiet(log, installation.check), outcome.journal, outcome.steps, records)
        return await stored_rows(log), await dead_letters(log)


def unlike(first: Stored, second: Stored) -> list[str]:
    """Return a text for each row that two runs have otherwise, in the shape of the comparison with the oracle."""
    return [one.text() for one in differences(first, project(second, rules()), rules())]


def run(options: Options, say: Say) -> Outcome:
    """Run everything that the options ask for, in directories that are removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="community-") as temporary:
        directory = Path(temporary)
        outcome = live(options, directory / "first", say)
        if options.twice:
            outcome.failures += again(outcome, directory / "twice", copied=False, say=say)
        if options.replay:
            outcome.failures += again(outcome, directory / "replay", copied=True, say=say)
    return outcome
