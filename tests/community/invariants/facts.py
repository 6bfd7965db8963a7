"""The rows and events of a community, for the checks of what always holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar, cast

from streams.events import AnyEvent, Command, Event, EventData
from streams.events.clock import Ticked
from streams.events.market import PriceUpdated
from tests.community.compared.engine import Stored, StoredRow

FROM_OUTSIDE: Final = (Command, PriceUpdated, Ticked)
"""What a client may send again, and what has a copy in each partition."""

Broken = Iterator[str]
DataT = TypeVar("DataT", bound=EventData)


class Facts:
    """The rows and the events of a community at its end."""

    def __init__(self, stored: Stored, events: Iterable[AnyEvent]) -> None:
        self._stored = {name: list(rows) for name, rows in stored.items()}
        self.events = list(events)

    def rows(self, spec: Any) -> dict[str, Any]:
        """Return the rows of a table whose keys have a row in one partition only."""
        return {one.key: one.row for one in self._stored.get(spec.name, ())}

    def parts(self, spec: Any) -> list[tuple[str, Any]]:
        """Return the rows of a table whose keys may have a row in each partition."""
        return [(one.key, one.row) for one in self._stored.get(spec.name, ())]

    def stored(self, spec: Any) -> list[StoredRow]:
        """Return the rows of a table with the partitions that hold them."""
        return self._stored.get(spec.name, [])

    def of(self, model: type[DataT]) -> list[Event[DataT]]:
        """Return the events of a class."""
        return [cast("Event[DataT]", event) for event in self.events if isinstance(event.data, model)]


def no_event_exists_twice(facts: Facts) -> Broken:
    """Check that no fact has the id of another: a command that comes again has its effects once."""
    counts = Counter((event.type, event.id) for event in facts.events if not isinstance(event.data, FROM_OUTSIDE))
    yield from (f"{kind} {event_id} exists {count} times" for (kind, event_id), count in counts.items() if count > 1)
