"""What follows from a social command that the rules refuse."""

from __future__ import annotations

from streams.events import AnyEvent, Event, EventData
from streams.events.social import SocialCommandRejected
from streams.times import Instant
from tables.social_people import Person


def refused(
    event: Event[EventData], command: type[EventData], reason: str, subject_id: str, free_at: int | None = None
) -> list[AnyEvent]:
    """Return the event that says that a command changed nothing, and why."""
    rejected = SocialCommandRejected(
        command=command.__name__,
        reason=reason,
        subject_id=subject_id,
        free_at=None if free_at is None else Instant(free_at),
    )
    return [event.then(rejected)]


def barred(person: Person) -> str | None:
    """Return why a person may do nothing; None when the person may."""
    if person.closed:
        return "account_closed"
    return "account_suspended" if person.suspended else None
