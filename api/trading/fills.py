"""A venue's fill as the event that reports it."""

from __future__ import annotations

from api.kit.commands.entries import Entry, entry
from api.trading.models import Fill
from streams.events import Event
from streams.events.trading import ReportFill
from streams.ids import fill_event_id


def fill_entry(venue: str, fill: Fill, rules_version: int) -> Entry:
    """Return the event that reports a venue's fill."""
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
