"""The entries behind the rows of a cluster: what `astratrade why` does, for all rows of a domain at once.

Each partition's events are applied once more, one by one, over empty tables. An event that changes a row is behind it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from agents.wiring import Broadcast
from tests.unit.agents.cluster import Cluster, Worker


class Place(NamedTuple):
    """Where a row is."""

    table: str
    partition: int
    key: str


def entries_behind(cluster: Cluster, domain: str) -> dict[Place, set[str]]:
    """Return for each row of a domain the ids of the first causes of the events that changed it.

    A row that was deleted has none of its earlier causes.
    """
    found: dict[Place, set[str]] = defaultdict(set)
    for partition, (log, workers) in enumerate(zip(cluster.logs, cluster.workers, strict=True)):
        again = Worker(domain, cluster.rulebook, at_least_once=False)
        for record in log[: workers[domain].position]:
            handler = again.handlers.get(record.topic)
            if handler is None or isinstance(handler, Broadcast):
                continue
            before = {name: dict(rows) for name, rows in again.maps.items()}
            again.handle(record.topic, [record.event])
            for name, rows in again.maps.items():
                old = before.get(name, {})
                for key in old.keys() | rows.keys():
                    place = Place(name, partition, key.decode("utf-8", "surrogateescape"))
                    if key not in rows:
                        found.pop(place, None)
                    elif old.get(key) != rows[key]:
                        found[place].add(record.event.correlationid or record.event.id)
    return found
