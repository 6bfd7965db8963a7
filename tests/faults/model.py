"""The expected log after a file of fills: every record of every event topic, and every row of every table.

The domains' own pure rules compute it, in all partitions (`Cluster`). The oracle shows that the rules are right.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from agents.rulebook import packaged_rulebook
from deploy.admin.tokens import DEV_VENUE
from deploy.replay.fills import Fill
from streams import topics
from streams.events import AnyEvent, Event, encode
from streams.events.trading import ReportFill
from streams.ids import fill_event_id
from streams.times import Instant
from tests.unit.agents.cluster import Cluster

OUTPUTS = {
    "trading": topics.TRADING_EVENTS,
    "gamification": topics.GAMIFICATION_EVENTS,
    "financial": topics.FINANCIAL_FEES,
}
"""The topic of each domain's events."""


class Entry(NamedTuple):
    """An expected record: only the parts that are the same however often and wherever it is processed."""

    id: str
    key: str
    value: bytes
    timestamp_ms: int

    @classmethod
    def of(cls, event: AnyEvent) -> "Entry":
        return cls(event.id, event.partitionkey, encode(event), event.time.milliseconds())


@dataclass
class Model:
    """Expected records by topic and partition, in the order of their causes; expected rows by table and partition."""

    records: dict[str, dict[int, list[Entry]]] = field(default_factory=dict)
    rows: dict[str, dict[int, dict[bytes, bytes]]] = field(default_factory=dict)

    def all(self, topic: str) -> list[Entry]:
        """Return the records of all partitions."""
        return [entry for entries in self.records[topic].values() for entry in entries]


def model_of(fills: Iterable[Fill], partitions: int) -> Model:
    """Apply the rules to the fills, in the order of the file."""
    cluster = Cluster(partitions, rulebook=packaged_rulebook().in_force(archived=False))
    model = Model({topic: {p: [] for p in range(partitions)} for topic in (topics.TRADING_COMMANDS, *OUTPUTS.values())})
    for fill in fills:
        cluster.repeat(command_of(fill))
    for partition, log in enumerate(cluster.logs):
        for record in log:
            if record.topic in model.records:
                model.records[record.topic][partition].append(Entry.of(record.event))
        for worker in cluster.workers[partition].values():
            for table, rows in worker.maps.items():
                model.rows.setdefault(table, {})[partition] = dict(rows)
    return model


def command_of(fill: Fill) -> AnyEvent:
    """Return the command that the ingress makes of a replayed fill."""
    at = Instant.parse(fill["executed_at"])
    data = {name: value for name, value in fill.items() if name != "executed_at"}
    return Event.first(
        ReportFill.of({**data, "venue": DEV_VENUE}),
        event_id=fill_event_id(DEV_VENUE, fill["user_id"], fill["fill_id"]),
        time=at,
        key=fill["user_id"],
        rules_version=packaged_rulebook().version,
        subject=fill["trade_id"],
    )
