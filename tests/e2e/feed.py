"""A subscriber of a feed: it keeps a table from snapshots and deltas, and resumes by the last event id that it saw."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

Row = dict[str, Any]
READ_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    name: str
    data: Any
    id: str | None


def events(client: httpx.Client, path: str, last_id: str | None, **parameters: str | int) -> Iterator[Event]:
    """Yield the events of one connection; closing the generator closes the connection."""
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    with client.stream("GET", path, params=parameters, headers=headers, timeout=READ_TIMEOUT_S) as answer:
        assert answer.status_code == httpx.codes.OK, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(":")
            if line and name:
                fields[name] = value.removeprefix(" ")
            elif not line and "data" in fields:
                yield Event(fields.get("event", "message"), json.loads(fields["data"]), fields.get("id"))
                fields = {}


@dataclass
class Subscriber:
    """The table of one feed as a client knows it.

    Attributes:
        identity: The name of a row.
        connections: The number of its connections; `resyncs` counts orders to start afresh.
    """

    client: httpx.Client
    path: str
    identity: Callable[[Row], str]
    parameters: dict[str, str | int] = field(default_factory=dict)
    table: dict[str, Row] = field(default_factory=dict)
    last_id: str | None = None
    current: bool = False
    connections: int = 0
    resyncs: int = 0
    seen: int = 0

    def follow(self, events_max: int, until: Callable[[], bool] = lambda: False) -> None:
        """Connect, take a number of events or until the condition holds after one, then disconnect."""
        self.connections += 1
        if self.last_id is None:  # a new snapshot follows; a part of one that was cut off counts for nothing
            self.table.clear()
            self.current = False
        stream = events(self.client, self.path, self.last_id, **self.parameters)
        for _, event in zip(range(events_max), stream, strict=False):
            self.take(event)
            if until():
                break
        stream.close()  # type: ignore[attr-defined]

    def take(self, event: Event) -> None:
        """Apply one event, then remember its id: a client knows the id only then."""
        self.seen += 1
        match event.name:
            case "snapshot":
                self._snapshot(event.data)
            case "delta":
                self._delta(event.data)
            case "resync":
                self.resyncs += 1
                self.table.clear()
                self.current = False
        if event.id is not None:
            self.last_id = event.id or None

    def _snapshot(self, data: Any) -> None:
        if self.current:
            self.table.clear()
            self.current = False
        self._put(data["rows"])
        self.current = data["last"]

    def _delta(self, data: Any) -> None:
        if data.get("complete"):
            self.table.clear()
        self._put(data["rows"])
        for gone in data.get("removed", ()):
            self.table.pop(gone, None)

    def _put(self, rows: list[Row]) -> None:
        for row in rows:
            self.table[self.identity(row)] = row
