"""The entries of a journal behind each row of the cluster: what `astratrade why` lists, for all rows at once.

Fold each partition's log again over empty tables, as `why` does, and note which entries changed each row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from agents.fold import Fold, Place
from streams.events import AnyEvent
from tables.domains import TOPOLOGY
from tests.community.compared.engine import Rules
from tests.community.oracle import Community
from tests.unit.agents.cluster import Cluster

Causes = Mapping[tuple[str, str], set[str]]
"""By table and the oracle's key: the ids of the entries that changed the row."""

MODELS = {spec.name: spec.model for spec in TOPOLOGY.tables}


def causes_of(cluster: Cluster, domain: str, by: Rules) -> Causes:
    """Return the entries behind each row of a domain's compared tables, also behind rows that are gone."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    topics = TOPOLOGY.domain(domain).consumes
    for log in cluster.logs:
        fold, names = Fold(domain, cluster.rulebook), dict[Place, list[str]]()
        for record in log:
            changed = fold.apply(record.topic, record.event).changed if record.topic in topics else frozenset()
            for table, key in changed:
                if table in by.tables:
                    raw = fold.rows[table].get(key)
                    if raw is not None:
                        names[table, key] = _names(by, table, key, raw)
                    for name in names[table, key]:
                        found[table, name].add(_entry(record.event))
    return found


def _names(by: Rules, table: str, key: bytes, raw: bytes) -> list[str]:
    """Return the oracle's keys of a row."""
    model = MODELS[table]
    row = raw if model is None else model.load(raw)
    return [name for name, _ in by.tables[table](key.decode(), row)]


def _entry(event: AnyEvent) -> str:
    """Return the entry at the beginning of an event's chain."""
    return event.correlationid or event.id


def wrong_causes(causes: Causes, community: Community, without: Collection[str] = ()) -> list[str]:
    """Return the rows that the oracle folds from other entries than the product, as text, `without` some tables."""
    wrong = []
    for (table, key), product in sorted(causes.items()):
        oracle = community.folded(table, key)
        if table not in without and product != oracle:
            wrong.append(f"{table} {key}: only product {product - oracle}, only oracle {oracle - product}")
    return wrong
