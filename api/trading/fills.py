"""A venue's fill as the event that reports it."""

from __future__ import annotations

from api.kit.commands.entries import Entry
from api.kit.commands.writer import Submission
from api.trading.models import Fill
from streams.events.trading import ReportFill
from streams.ids import fill_event_id


def fill_entry(submission: Submission, fill: Fill) -> Entry:
    """Return the event that reports a fill of the calling venue."""
    venue = submission.caller
    data = {name: value for name, value in vars(fill).items() if name != "executed_at"}
    event_id = fill_event_id(venue, fill.user_id, fill.fill_id)
    command = ReportFill(**data, venue=venue)
    return submission.entry(command, event_id, key=fill.user_id, time=fill.executed_at, subject=fill.trade_id)
