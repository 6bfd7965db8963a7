"""What a check of an upgrade found, as lines for people and as a JSON document."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from agents.shadow import Failure, Shadow
from deploy.upgrade.differences import Difference
from deploy.upgrade.letters import Letters

SHOWN_MAX: Final = 100
FAILURES_SHOWN_MAX: Final = 10


class Outcome(NamedTuple):
    """What a check found.

    Attributes:
        found: The rows that would differ.
        shadow: The replay.
        rows: How many rows were compared.
        letters: The events that are dead letters already.
    """

    found: list[Difference]
    shadow: Shadow
    rows: int
    letters: Letters

    @property
    def failures(self) -> list[Failure]:
        """Return the events that no rule of a domain could handle, except those that are dead letters already."""
        return [one for one in self.shadow.failures if (one.domain, one.event.id) not in self.letters]

    @property
    def differs(self) -> bool:
        """Return whether a row or an event would differ, or an event would become a dead letter."""
        return bool(self.found or self.shadow.changes or self.failures)

    def document(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {
            "rows": [_row(one) for one in self.found],
            "events": [
                {"kind": kind, "type": name, "count": count}
                for (kind, name), count in sorted(self.shadow.changes.items())
            ],
            "failures": [
                {"domain": one.domain, "event": one.event.id, "type": one.event.type, "error": one.error}
                for one in self.failures
            ],
            "rows_compared": self.rows,
            "records_read": self.shadow.read,
        }

    def lines(self) -> Iterator[str]:
        """Yield lines with the first rows of each table, the events by type, and the sums."""
        counts = Counter(one.table for one in self.found)
        for table, found in itertools.groupby(self.found, key=lambda one: one.table):
            yield from (one.text() for one in itertools.islice(found, SHOWN_MAX))
            if counts[table] > SHOWN_MAX:
                yield f"{table}: {counts[table] - SHOWN_MAX:,} more rows; --json lists all"
        for (kind, name), count in sorted(self.shadow.changes.items()):
            yield f"events {kind}: {count:,} {name}"
        for one in self.failures[:FAILURES_SHOWN_MAX]:
            yield f"no rule of {one.domain} could handle {one.event.type} {one.event.id}: {one.error}"
        if len(self.failures) > FAILURES_SHOWN_MAX:
            yield f"{len(self.failures) - FAILURES_SHOWN_MAX:,} more such events; --json lists all"
        yield f"{self.rows:,} rows compared, {self.shadow.read:,} records replayed: {len(self.found):,} rows differ"


def _row(one: Difference) -> dict[str, Any]:
    fields = {name: {"now": now, "then": then} for name, (now, then) in one.fields.items()}
    return {"table": one.table, "partition": one.partition, "key": one.key, "fields": fields}
