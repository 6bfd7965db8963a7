"""The clock's events. A tick moves the time of a partition on, as an event of that time does."""

from __future__ import annotations

from typing import ClassVar

from streams import topics
from streams.events.base import EventData


class Ticked(EventData, frozen=True, kw_only=True):
    """The time of the envelope has come. Each partition gets every tick."""

    domain: ClassVar[str] = "clock"
    topic: ClassVar[str] = topics.CLOCK
