"""Events from outside, for scenarios."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from agents.rulebook import packaged_rulebook
from streams.events import AnyEvent, Event, EventData
from streams.ids import new_id
from streams.times import Instant

AT = Instant.parse("2026-01-05T12:00:00Z")

UNREACHABLE = "unreachable"
"""A user whose partition answers nothing: its worker is away."""

Run: TypeAlias = Callable[[AnyEvent], list[AnyEvent]]
"""Processes an event and all that follows from it; returns what followed."""


def first(data: EventData, key: str, at: Instant = AT) -> AnyEvent:
    """Return an event without a cause."""
    return Event.first(data, event_id=new_id(at), time=at, key=key, rules_version=packaged_rulebook().version)
