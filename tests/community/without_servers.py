"""Let a community live on the rules of all domains in dictionaries, and compare every row with the oracle."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Final

from tests.community.behaviour.life import Plan
from tests.community.cluster_life import lived
from tests.community.cluster_run import stored
from tests.community.compared.engine import differences, rules
from tests.community.oracle import Community

PARTITIONS: Final = 4
SHOWN_MAX: Final = 20


def live_without_servers(plan: Plan, say: Callable[[str], None]) -> int:
    """Let a community live, and say what differs from the oracle. Return the exit status.

    Domains and partitions advance in a random order, and in batches of random sizes.
    """
    began = time.monotonic()

    def told(day: int, people: int) -> None:
        say(f"day {day + 1} of {plan.days}: {people} people, {time.monotonic() - began:.0f} s")

    backend = lived(plan, PARTITIONS, Random(plan.seed), told)
    lived_s, community = time.monotonic() - began, Community(PARTITIONS)
    community.apply_all(backend.journal)
    expected = community.rows()
    found = list(differences(stored(backend.cluster), expected, rules()))
    rows = sum(map(len, expected.values()))
    say(f"{len(backend.journal)} entries, {len(backend.cluster.events)} events, {rows} rows")
    say(f"{lived_s:.0f} s for the rules, {time.monotonic() - began - lived_s:.0f} s for the oracle")
    say("\n".join(one.text() for one in found[:SHOWN_MAX]) or "equal")
    return 1 if found else 0
