"""Events as the log takes them: their bytes, and the key that decides their partition."""

from __future__ import annotations

from typing import NamedTuple

from streams.events import AnyEvent, encode


class Entry(NamedTuple):
    """An event on its way to the log. `time_ms`: event time, Unix milliseconds."""

    id: str
    key: str
    value: bytes
    time_ms: int


def entry(event: AnyEvent) -> Entry:
    """Return an event as the log takes it."""
    return Entry(event.id, event.partitionkey, encode(event), event.time.milliseconds())
