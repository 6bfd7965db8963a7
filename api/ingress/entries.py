"""Events as the log takes them: their bytes, and what finds their place."""

from __future__ import annotations

from typing import NamedTuple

from api.ingress.models import Fill
from streams.events import AnyEvent, Event, encode
from streams.events.trading import ReportFill
from streams.ids import fill_event_id


class Entry(NamedTuple):
    """An event on its way to the log. `time_ms`: event time, Unix milliseconds."""

    id: str
    key: str
    value: bytes
    time_ms: int


def entry(event: AnyEvent) -> Entry:
    """Any event."""
    return Entry(event.id, event.partitionkey, encode(event), event.time.milliseconds())


def fill_entry(venue: str, fill: Fill, rules_version: int) -> Entry:
    """The event that reports a venue's fill."""
    data = {name: value for name, value in vars(fill).items() if name != "executed_at"}
    event_id = fill_event_id(venue, fill.user_id, fill.fill_id)
    command = ReportFill(**data, venue=venue)
    return entry(
        Event.first(
            command,
            event_id=event_id,
            time=fill.executed_at,
            key=fill.user_id,
            subject=fill.trade_id,
            rules_version=rules_version,
        )
    )
