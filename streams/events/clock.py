"""The clock's events. A tick moves the time of a partition on, as an event of that time does."""

from __future__ import annotations

from typing import ClassVar, Final

from streams import topics
from streams.events.base import EventData
from streams.events.envelope import Event
from streams.ids import derived_id
from streams.times import Instant

KEY: Final = "clock"
"""The key of every tick."""


class Ticked(EventData, frozen=True, kw_only=True):
    """The time of the envelope has come. Each partition gets every tick."""

    domain: ClassVar[str] = "clock"
    topic: ClassVar[str] = topics.CLOCK


def ticked(time: Instant, rules_version: int | None = None) -> Event[Ticked]:
    """Return the tick of a time. Its id derives from the time, so all partitions hold the same event."""
    milliseconds = time.milliseconds()
    event_id = derived_id(milliseconds, KEY, str(milliseconds))
    return Event.first(Ticked(), event_id=event_id, time=time, key=KEY, rules_version=rules_version)
