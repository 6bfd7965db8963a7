"""The clock's events. A tick moves the time of a partition on, as an event of that time does."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

import msgspec

from streams import topics
from streams.events.base import EventData
from streams.events.envelope import Event
from streams.ids import derived_id
from streams.times import Instant

KEY: Final = "clock"
"""The key of every tick."""


class Ticked(EventData, frozen=True, kw_only=True):
    """The time of the envelope has come. Each partition gets every tick, with its own number and their count."""

    domain: ClassVar[str] = "clock"
    topic: ClassVar[str] = topics.CLOCK

    partition: Annotated[int, msgspec.Meta(ge=0)] = 0
    partitions: Annotated[int, msgspec.Meta(ge=1)] = 1


def ticked(
    time: Instant, rules_version: int | None = None, *, partition: int = 0, partitions: int = 1
) -> Event[Ticked]:
    """Return the tick of a time in a partition. Its id derives from the time, and is the same in all partitions."""
    milliseconds = time.milliseconds()
    event_id = derived_id(milliseconds, KEY, str(milliseconds))
    data = Ticked(partition=partition, partitions=partitions)
    return Event.first(data, event_id=event_id, time=time, key=KEY, rules_version=rules_version)
