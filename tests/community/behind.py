"""The entries behind the rows of a cluster: what `astratrade why` does, for all rows at once.

Each partition's events are folded once more, one by one, over empty tables. An event that changes a row is behind it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from agents.fold import Fold
from agents.wiring import Broadcast
from tests.unit.agents.cluster import Cluster


class Place(NamedTuple):
    """Where a row is."""

    table: str
    partition: int
    key: str


def entries_behind(cluster: Cluster, domain: str) -> dict[Place, set[str]]:
    """Return for each row of a domain the ids of the first causes of the events that changed it.

    A row that was deleted and made again has the causes of its earlier life, too. A row that is gone has none.
    """
    found: dict[Place, set[str]] = {}
    for partition, (log, workers) in enumerate(zip(cluster.logs, cluster.workers, strict=True)):
        worker, fold = workers[domain], Fold(domain, cluster.rulebook)
        behind: dict[tuple[str, bytes], set[str]] = defaultdict(set)
        for record in log[: worker.position]:
            handler = worker.handlers.get(record.topic)
            if handler is None or isinstance(handler, Broadcast):
                continue
            for place in fold.apply(record.topic, record.event).changed:
                behind[place].add(record.event.correlationid or record.event.id)
        for (table, key), entries in behind.items():
            if key in fold.rows[table]:
                found[Place(table, partition, key.decode("utf-8", "surrogateescape"))] = entries
    return found
