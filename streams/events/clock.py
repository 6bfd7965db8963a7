"""The clock's events. A tick moves the time of a partition on, as an event of that time does."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

import msgspec

from streams import topics
from streams.events.base import EventData
from streams.events.envelope import Event
from streams.ids import derived_id
from streams.times import Instant
from streams.trace_context import new_trace

KEY: Final = "clock"
"""The key of every tick."""


class Ticked(EventData, frozen=True, kw_only=True):
    """The time of the envelope has come. Each partition gets every tick, with its own number and their count."""

    domain: ClassVar[str] = "clock"
    topic: ClassVar[str] = topics.CLOCK

    partition: Annotated[int, msgspec.Meta(ge=0)] = 0
    partitions: Annotated[int, msgspec.Meta(ge=1)] = 1


def ticked(
    time: Instant, rules_version: int | None = None, *, partition: int = 0, partitions: int = 1, traced: bool = False
) -> Event[Ticked]:
    """Return the tick of a time in a partition. Its id derives from the time, and is the same in all partitions.

    `traced` begins a sampled trace.
    """
    milliseconds = time.milliseconds()
    event_id = derived_id(milliseconds, KEY, str(milliseconds))
    data = Ticked(partition=partition, partitions=partitions)
    traceparent = new_trace(event_id) if traced else None
    return Event.first(
        data, event_id=event_id, time=time, key=KEY, rules_version=rules_version, traceparent=traceparent
    )
