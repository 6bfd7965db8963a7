"""docs/architecture.md lists every table in which several partitions have a row under the same key."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

from tables.domains import TOPOLOGY
from tests.community.behaviour.life import Plan
from tests.community.cluster_life import lived
from tests.source import ROOT

PLAN = Plan(users=14, days=9, seed=3, activity=0.4)


def listed() -> set[str]:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    _, _, below = page.partition("* **Shared keys.**")
    return set(re.findall(r"`([a-z-]+)`", below.partition("\n\n")[0]))


def test_the_page_lists_every_table_whose_keys_partitions_share() -> None:
    keys: Counter[tuple[str, bytes]] = Counter()
    for workers in lived(PLAN, random=Random(3)).cluster.workers:
        keys.update((table, key) for worker in workers.values() for table, rows in worker.maps.items() for key in rows)
    shared = {table for (table, _), partitions in keys.items() if partitions > 1}
    assert len(shared) > len(listed()) / 2
    assert shared <= listed() <= {table.name for domain in TOPOLOGY.domains for table in domain.tables}
