"""Rules of several parts of a domain act as one."""

from __future__ import annotations

from agents.dispatch import merged
from streams.events import AnyEvent, Event
from streams.events.clock import Ticked
from streams.events.social import CreateProfile, ProfileCreated
from streams.ids import new_id
from streams.times import Instant

AT = Instant.parse("2026-01-05T12:00:00Z")


def test_parts_that_share_a_class_of_event_have_their_rules_run_in_order() -> None:
    def named(name: str) -> list[AnyEvent]:
        return [tick.then(ProfileCreated(display_name=name), name=name)]

    tick = Event.first(Ticked(), event_id=new_id(AT), time=AT, key="clock", rules_version=1)
    rules = merged({Ticked: lambda _: named("one")}, {Ticked: lambda _: named("two"), CreateProfile: lambda _: []})
    assert [event.data.display_name for event in rules[Ticked](tick)] == ["one", "two"]  # type: ignore[attr-defined]
    assert rules[CreateProfile](tick) == []
